//! An S3 server in this process: for tests of S3 clients, and of what they do when S3 fails.
//!
//! It speaks the S3 API over plain HTTP on 127.0.0.1, path style, and keeps its objects in memory. The `s3s` crate parses
//! requests and checks signatures; the rest is here.
//!
//! - **Signatures** of version 4 are checked: a wrong secret is `SignatureDoesNotMatch`, an unknown key
//!   `InvalidAccessKeyId`, an unsigned request `AccessDenied`, another region than [`REGION`]
//!   `AuthorizationHeaderMalformed`. There is a [read-only key](LoopbackS3::read_only) and one with a
//!   [session token](LoopbackS3::temporary).
//! - **Conditions** are linearizable: judging and writing is one step under one lock. PutObject and CopyObject take
//!   `If-None-Match: *` (412) and `If-Match` (412; 404 where nothing is), DeleteObject and DeleteObjects ETags (412;
//!   what is not there passes).
//! - **Counts**: [`requests`](LoopbackS3::requests) are what the server itself saw.
//! - **Faults** are switched on with [`fault`](LoopbackS3::fault): lost requests and replies, 409, 412, 429, 500, 503,
//!   expired tokens, skewed clocks, missing permissions, delays, cut bodies, a store that ignores conditions.
//! - **Restarts**: [`stop`](LoopbackS3::stop) closes the port and every connection, [`resume`](LoopbackS3::resume)
//!   listens on the same port with the same objects. Other processes reach it by [`worker_env`](LoopbackS3::worker_env).
//!
//! ```
//! use certstore_conformance::loopback_s3::{Effect, Fault, LoopbackS3, Op};
//! let server = LoopbackS3::start()?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! let lost = server.fault(Fault::new(Effect::LoseReply).on(Op::PutObject));
//! // ... a client stores something ...
//! assert_eq!((lost.fired(), server.requests().total()), (0, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it does not enforce
//!
//! Multipart uploads, virtual-hosted addresses, TLS, lists of ETags in a condition, ACLs, encryption, tags, locks, and
//! storage classes do not exist here. Objects are limited to [`MAX_OBJECT`] bytes instead of 5 GiB. Nothing is ever
//! throttled, slow or stale by itself, 409 `ConditionalRequestConflict` occurs as a fault only, and a body's
//! `x-amz-content-sha256` is compared as part of the signature only. The checksum of a DeleteObjects request is not
//! asked for. The order of common prefixes against `start-after` inside one is a guess.

mod backend;
mod call;
mod checksum;
mod encode;
mod fault;
mod gate;
mod list;
mod lists;
mod log;
mod op;
mod reads;
mod serve;
mod server;
mod store;
mod writes;

pub use crate::loopback::ArmedFault;
pub use crate::loopback::credentials::Credentials;
pub use fault::{Effect, Fault};
pub use log::{Request, Requests};
pub use op::Op;
pub use server::LoopbackS3;

/// The region that signatures must name.
pub const REGION: &str = "eu-west-1";

/// The longest object, in bytes: 64 MiB.
pub const MAX_OBJECT: usize = 64 * 1024 * 1024;
