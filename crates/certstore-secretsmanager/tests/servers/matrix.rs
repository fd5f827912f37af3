//! Every fault, and every missing permission, on every request of every operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::loopback::matrix::{Bench, Operation, Strike, denials, faults};
use certstore_conformance::loopback_secretsmanager::{ArmedFault, Effect, Fault, Op};
use certstore_core::{Result, Storage};
use certstore_secretsmanager::SecretsManagerStorage;

use crate::rig::Rig;

/// A server on which a lock can be had as often as a matrix needs it.
fn start() -> Rig {
    let rig = Rig::start();
    rig.server.set_version_limit(None);
    rig
}

#[async_trait]
impl Bench for Rig {
    type Op = Op;
    type Effect = Effect;

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.site.config(namespace);
        (config.timeout, config.retries) = (Duration::from_secs(2), 1);
        Ok(Arc::new(SecretsManagerStorage::open(&config).await?))
    }

    fn effect(&self, strike: Strike) -> Option<Effect> {
        Some(match strike {
            Strike::RequestLost => Effect::LoseRequest,
            Strike::ReplyLost => Effect::LoseReply,
            Strike::AgainstItself => Effect::Repeat,
            Strike::TooMany => Effect::Throttle,
            Strike::Failed => Effect::InternalError,
            Strike::FailedAfter => Effect::InternalErrorAfter,
            Strike::Unavailable => Effect::Unavailable,
            Strike::Truncated => Effect::TruncateBody,
            Strike::TokenExpired => Effect::TokenExpired,
            Strike::ClockSkewed => Effect::ClockSkewed,
            // It has no 409.
            _ => return None,
        })
    }

    fn denied(&self) -> Effect {
        Effect::Denied
    }

    fn calls(&self) -> Vec<Op> {
        vec![
            Op::CreateSecret,
            Op::PutSecretValue,
            Op::UpdateSecretVersionStage,
            Op::DeleteSecret,
            Op::RestoreSecret,
            Op::GetSecretValue,
            Op::DescribeSecret,
            Op::ListSecrets,
        ]
    }

    fn permission(&self, op: Op) -> String {
        op.permission().to_owned()
    }

    /// The labels of a secret tell whose version is current, of a deleted value too.
    fn is_nameless(&self, _: Operation) -> bool {
        false
    }

    /// What is deleted on a condition is deleted with the version that says so. That its secret is scheduled for deletion
    /// after that, and looked at once more, only saves money.
    fn does_without(&self, operation: Operation, op: Op) -> bool {
        match op {
            Op::DeleteSecret => matches!(
                operation,
                Operation::DeleteIf | Operation::DeleteFenced | Operation::StoreAllFenced
            ),
            Op::DescribeSecret => operation == Operation::DeleteIf,
            _ => false,
        }
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
    faults(start, &Operation::WRITES).assert(100);
}

#[test]
fn every_fault_on_every_read() {
    faults(start, &Operation::READS).assert(100);
}

#[test]
fn every_fault_on_every_operation_of_locks() {
    faults(start, &Operation::LOCKS).assert(100);
}

#[test]
fn every_permission_that_is_missing_is_named() {
    denials(start).assert(20);
}
