//! Every fault, and every missing permission, on every request of every operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::loopback::matrix::{Bench, Operation, Strike, denials, faults};
use certstore_conformance::loopback_oss::{ArmedFault, Effect, Fault, Op};
use certstore_core::{Result, Storage};
use certstore_oss::OssStorage;

use crate::rig::Rig;

#[async_trait]
impl Bench for Rig {
    type Op = Op;
    type Effect = Effect;

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.site.config(namespace);
        config.timeout = Duration::from_secs(5);
        Ok(Arc::new(OssStorage::open(&config).await?))
    }

    fn effect(&self, strike: Strike) -> Option<Effect> {
        Some(match strike {
            Strike::RequestLost => Effect::LoseRequest,
            Strike::ReplyLost => Effect::LoseReply,
            Strike::AgainstItself => Effect::Repeat,
            Strike::Conflict => Effect::OperationAborted,
            Strike::TooMany => Effect::TooManyRequests,
            Strike::Failed => Effect::InternalError,
            Strike::FailedAfter => Effect::InternalErrorAfter,
            Strike::Unavailable => Effect::ServiceUnavailable,
            Strike::Truncated => Effect::TruncateBody,
            Strike::TokenExpired => Effect::TokenExpired,
            Strike::ClockSkewed => Effect::ClockSkewed,
            _ => return None,
        })
    }

    fn denied(&self) -> Effect {
        Effect::Denied
    }

    fn calls(&self) -> Vec<Op> {
        vec![
            Op::PutObject,
            Op::AppendObject,
            Op::GetObject,
            Op::HeadObject,
            Op::DeleteObject,
            Op::DeleteMultipleObjects,
            Op::ListObjectsV2,
        ]
    }

    fn permission(&self, op: Op) -> String {
        op.permission().to_owned()
    }

    /// An object that was put keeps nothing of the request that put it.
    fn is_nameless(&self, operation: Operation) -> bool {
        operation == Operation::StoreIfAbsent
    }

    fn arm(&self, fault: Fault) -> ArmedFault {
        self.server.fault(fault)
    }

    fn lift(&self) {
        self.server.lift_faults();
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.site.secret_key.clone(), self.site.access_key.clone()]
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
