//! What the servers in this process share: listening, access keys, fault switches, lists, a log of requests.

#[cfg(any(feature = "loopback-oss", feature = "loopback-s3", feature = "loopback-secretsmanager"))]
pub(crate) mod credentials;
mod fault;
#[cfg(any(feature = "loopback-oss", feature = "loopback-s3"))]
pub(crate) mod list;
mod log;
pub mod matrix;
mod serve;

pub(crate) use fault::Faults;
pub use fault::{ArmedFault, Fault};
pub use log::{Request, Requests};
pub(crate) use serve::{Cut, Running, Serve, whole};
