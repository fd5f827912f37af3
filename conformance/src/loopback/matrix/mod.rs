//! The fault matrix: every fault switch of a server, on every request of every operation of `Storage` and `Locker`.
//!
//! One *case* is one operation on values or locks of its own, while a fault strikes the first, second, ... request that
//! the operation makes: once, or that one and every later one. [`faults`] goes on to the next position until the operation
//! needs no more requests. Then the faults are lifted, and a second client looks at what is left. A case passes when
//!
//! - the operation succeeded, its answer is right, and what it should have done is done; or
//! - it failed with an error of a kind that the fault explains, in one line, without a secret, naming operation and
//!   backend; what was stored before or what should have been stored is there whole; and where anything was done, the
//!   error says that it may have applied;
//! - and no lock has two holders, and the next one gets it: at once after an unlock, else within a lease.
//!
//! [`denials`] does the same with one call of the service's API at a time that the credentials may not make, for every
//! operation: the error must be `PermissionDenied` and name the permission.
//!
//! Each worker has a server of its own, so cases run side by side; nothing sleeps but what waits for a lease to end.

mod act;
mod case;
mod judge;
mod locks;
mod operation;
mod run;
mod stage;
mod state;
mod strike;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Result, Storage};

use super::{ArmedFault, Fault};

pub use operation::Operation;
pub use run::{Tally, denials, faults};
pub use strike::Strike;

/// One client.
type Client = Arc<dyn Storage>;

/// A server with fault switches, and the backend that is to stand them.
#[async_trait]
pub trait Bench: Send + Sync + 'static {
    /// The operations of the service's API.
    type Op: Copy + PartialEq + Debug + Send + Sync + 'static;
    /// The effects of the server's faults.
    type Effect: Copy + Send + Sync + 'static;

    /// A client of `namespace`, with a short time-out and a lease of 1 to 2 s.
    ///
    /// # Errors
    /// Of the backend; it fails the case.
    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>>;

    /// The server's switch for a fault; `None` where the service has no such answer.
    fn effect(&self, strike: Strike) -> Option<Self::Effect>;

    /// The effect that refuses a request for want of a permission.
    fn denied(&self) -> Self::Effect;

    /// The operations of the API that the backend uses.
    fn calls(&self) -> Vec<Self::Op>;

    /// What the text of an error must have when `op` is denied: the name of the permission.
    fn permission(&self, op: Self::Op) -> String;

    /// What else may be named then: permissions that the service's answer leaves possible as well.
    fn also_possible(&self, op: Self::Op) -> Vec<String> {
        let _ = op;
        Vec::new()
    }

    /// Whether a write that met itself cannot be told from another's: the service keeps nothing by which it could, as
    /// mostly of what is deleted. Such a request is sent once, so that only a network that repeats it makes it meet itself,
    /// and who is told of a conflict reads again.
    fn is_nameless(&self, operation: Operation) -> bool {
        operation == Operation::DeleteIf
    }

    /// Whether `operation` is done all the same where `op` is denied: what `op` would do more is no part of the contract.
    fn does_without(&self, operation: Operation, op: Self::Op) -> bool {
        let _ = (operation, op);
        false
    }

    /// Switches a fault on.
    fn arm(&self, fault: Fault<Self::Op, Self::Effect>) -> ArmedFault;

    /// Switches every fault off.
    fn lift(&self);

    /// What may be in no error.
    fn secrets(&self) -> Vec<String>;
}
