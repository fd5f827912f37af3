//! Every fault, and every missing permission, on every request of every operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::loopback::matrix::{Bench, Operation, Strike, denials, faults};
use certstore_conformance::loopback_gcs::{ArmedFault, Effect, Fault, Op};
use certstore_core::{Result, Storage};
use certstore_gcs::GcsStorage;

use crate::rig::Rig;

#[async_trait]
impl Bench for Rig {
    type Op = Op;
    type Effect = Effect;

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.site.config(namespace);
        config.timeout = Duration::from_secs(2);
        Ok(Arc::new(GcsStorage::open(&config).await?))
    }

    fn effect(&self, strike: Strike) -> Option<Effect> {
        Some(match strike {
            Strike::RequestLost => Effect::LoseRequest,
            Strike::ReplyLost => Effect::LoseReply,
            Strike::AgainstItself => Effect::FailAgainstItself,
            Strike::Conflict => Effect::Conflict,
            Strike::TooMany => Effect::TooManyRequests,
            Strike::Failed => Effect::InternalError,
            Strike::FailedAfter => Effect::InternalErrorAfter,
            Strike::Unavailable => Effect::ServiceUnavailable,
            Strike::Truncated => Effect::TruncateBody,
            Strike::TokenExpired => Effect::TokenExpired,
            // A token signed by a wrong clock is refused in the same words.
            Strike::ClockSkewed => Effect::TokenExpired,
            _ => return None,
        })
    }

    fn denied(&self) -> Effect {
        Effect::Denied
    }

    fn calls(&self) -> Vec<Op> {
        vec![Op::InsertObject, Op::ReadObject, Op::GetObject, Op::ListObjects, Op::DeleteObject]
    }

    fn permission(&self, op: Op) -> String {
        op.permission().to_owned()
    }

    fn arm(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    fn lift(&self) {
        self.server.lift_faults();
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.site.token.clone()]
    }
}

#[test]
fn every_fault_on_every_write() {
    faults(Rig::start, &Operation::WRITES).assert(100);
}

#[test]
fn every_fault_on_every_read() {
    faults(Rig::start, &Operation::READS).assert(100);
}

#[test]
fn every_fault_on_every_operation_of_locks() {
    faults(Rig::start, &Operation::LOCKS).assert(100);
}

#[test]
fn every_permission_that_is_missing_is_named() {
    denials(Rig::start).assert(20);
}
