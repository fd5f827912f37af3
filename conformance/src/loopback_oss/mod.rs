//! An Alibaba Cloud OSS server in this process: for tests of OSS clients, and of what they do when OSS fails.
//!
//! It speaks the OSS API over plain HTTP on 127.0.0.1 and keeps its objects in memory. The bucket stands in the path, or
//! before the host's first dot where the host is no address and not `localhost`.
//!
//! - **Signatures** of versions 1 and 4 are checked: a wrong secret is `SignatureDoesNotMatch`, an unknown key
//!   `InvalidAccessKeyId`, an unsigned request `AccessDenied`, another region than [`REGION`] `InvalidArgument`. There is a
//!   [read-only key](LoopbackOss::read_only) and one with a [security token](LoopbackOss::temporary).
//! - **Conditions** are linearizable: judging and writing is one step under one lock. `x-oss-forbid-overwrite` is 409
//!   `FileAlreadyExists`, and without effect in a bucket that keeps or has kept versions. AppendObject at another
//!   position than the object's length is 409 `PositionNotEqualToLength`.
//! - **Versions**: an append goes to the current version and leaves no history; PutObject and DeleteObject leave it
//!   behind as a version that nothing can be appended to.
//! - **Counts**: [`requests`](LoopbackOss::requests) are what the server itself saw.
//! - **Faults** are switched on with [`fault`](LoopbackOss::fault): lost requests and replies, 409, 429, 500, 503,
//!   expired tokens, skewed clocks, missing permissions, delays, cut bodies, a store that ignores positions or
//!   `x-oss-forbid-overwrite`.
//! - **Time**: [`set_clock`](LoopbackOss::set_clock) moves the server's own clock, which dates objects and replies.
//! - **Restarts**: [`stop`](LoopbackOss::stop) closes the port and every connection, [`resume`](LoopbackOss::resume)
//!   listens on the same port with the same objects. Other processes reach it by [`worker_env`](LoopbackOss::worker_env).
//!
//! ```
//! use certstore_conformance::loopback_oss::{Effect, Fault, LoopbackOss, Op};
//! let server = LoopbackOss::start()?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! let lost = server.fault(Fault::new(Effect::LoseReply).on(Op::AppendObject));
//! // ... a client appends something ...
//! assert_eq!((lost.fired(), server.requests().total()), (0, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it does not enforce
//!
//! Multipart uploads, copies, signed URLs, TLS, ACLs, encryption, tags, WORM, storage classes and lists of versions do not
//! exist here. Objects are limited to [`MAX_OBJECT`] bytes instead of 5 GiB. Nothing is ever throttled, slow or stale by
//! itself. Error codes (`EC`) are those that the documentation names for the error; where it names none there is one of
//! this server's own.

mod auth;
mod batch;
mod body;
mod buckets;
mod call;
mod clock;
mod crc64;
mod encode;
mod fault;
mod lists;
mod log;
mod objects;
mod op;
mod reads;
mod reply;
mod request;
mod route;
mod serve;
mod server;
mod store;
mod v1;
mod v4;

pub use crate::loopback::ArmedFault;
pub use crate::loopback::credentials::Credentials;
pub use fault::{Effect, Fault};
pub use log::{Request, Requests};
pub use op::Op;
pub use server::LoopbackOss;

/// The region that signatures of version 4 must name.
pub const REGION: &str = "cn-loopback";

/// The longest object, in bytes: 64 MiB.
pub const MAX_OBJECT: usize = 64 * 1024 * 1024;
