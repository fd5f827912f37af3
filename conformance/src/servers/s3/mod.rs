//! S3 servers that are not ours: moto, and Ceph's gateway.

mod account;
mod moto;
mod radosgw;

pub use account::S3Account;
pub use moto::{Moto, shared_moto};
pub use radosgw::{Radosgw, shared_radosgw};

/// The region that both servers have.
const REGION: &str = "us-east-1";
/// The bucket that is there from the start.
const BUCKET: &str = "certs";
