//! Every fault, and every missing permission, on every request of every operation; on values as they are and with
//! stamps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::loopback::matrix::{Bench, Operation, Strike, denials, faults};
use certstore_conformance::loopback_s3::{ArmedFault, Effect, Fault, Op};
use certstore_core::{Result, Storage};
use certstore_s3::{ProbeReport, S3Storage};
use tokio::sync::OnceCell;

use crate::rig::Rig;

struct Bucket {
    rig: Rig,
    stamped: bool,
    /// What the first client has found out.
    report: OnceCell<ProbeReport>,
}

fn plain() -> Bucket {
    Bucket { rig: Rig::start(), stamped: false, report: OnceCell::new() }
}

fn stamped() -> Bucket {
    Bucket { stamped: true, ..plain() }
}

#[async_trait]
impl Bench for Bucket {
    type Op = Op;
    type Effect = Effect;

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = self.rig.site.config(namespace);
        config.timeout = Duration::from_secs(2);
        config.stamped = self.stamped;
        let probe = async || S3Storage::open(&config).await?.probe().await;
        let report = self.report.get_or_try_init(probe).await?;
        Ok(Arc::new(S3Storage::open_probed(&config, report).await?))
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
            Strike::Unavailable => Effect::SlowDown,
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
            Op::GetObject,
            Op::HeadObject,
            Op::DeleteObject,
            Op::DeleteObjects,
            Op::ListObjectsV2,
        ]
    }

    fn permission(&self, op: Op) -> String {
        op.permission().to_owned()
    }

    /// The answer to a HEAD has no words, and the GET that is asked for them is not denied here.
    fn also_possible(&self, op: Op) -> Vec<String> {
        match op {
            Op::HeadObject => vec![Op::ListObjectsV2.permission().to_owned()],
            _ => Vec::new(),
        }
    }

    fn arm(&self, fault: Fault) -> ArmedFault {
        self.rig.server.fault(fault)
    }

    fn lift(&self) {
        self.rig.server.lift_faults();
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.rig.site.secret_key.clone(), self.rig.site.access_key.clone()]
    }
}

#[test]
fn every_fault_on_every_write() {
    faults(stamped, &Operation::WRITES).assert(100);
}

#[test]
fn every_fault_on_every_write_without_stamps() {
    faults(plain, &Operation::WRITES).assert(100);
}

#[test]
fn every_fault_on_every_read() {
    faults(stamped, &Operation::READS).assert(100);
}

#[test]
fn every_fault_on_every_read_without_stamps() {
    faults(plain, &Operation::READS).assert(100);
}

#[test]
fn every_fault_on_every_operation_of_locks() {
    faults(plain, &Operation::LOCKS).assert(100);
}

#[test]
fn every_permission_that_is_missing_is_named() {
    denials(stamped).assert(20);
}
