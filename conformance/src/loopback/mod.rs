//! What the servers in this process share: listening, fault switches, a log of requests.

mod fault;
mod log;
pub mod matrix;
mod serve;

pub(crate) use fault::Faults;
pub use fault::{ArmedFault, Fault};
pub use log::{Request, Requests};
pub(crate) use serve::{Cut, Running, Serve, whole};
