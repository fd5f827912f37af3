//! A Google Cloud Storage server in this process: for tests of its clients, and of what they do when it fails.
//!
//! One port of 127.0.0.1 answers both forms of the API over plain HTTP: JSON over HTTP/1.1 and gRPC over HTTP/2. Objects
//! are kept in memory.
//!
//! - **Tokens** are checked: a request without one, or with one that nobody gave out, is 401, a write with a
//!   [read-only token](LoopbackGcs::read_only_token) 403. Signed JWTs of [known accounts](LoopbackGcs::add_service_account)
//!   count as tokens. Tokens are given out by an OAuth endpoint at `/token`
//!   ([`authorized_user`](LoopbackGcs::authorized_user)) and by a metadata server at `/computeMetadata/v1`.
//! - **Conditions** are linearizable: judging and writing is one step under one lock. What does not hold is 412
//!   `conditionNotMet`, and 304 for a read of a generation that the caller knows.
//! - **Generations** grow over all objects and never return; one that is deleted and made anew has another.
//! - **Retries** of a mutation with the same `x-goog-gcs-idempotency-token` get the answer of the first.
//! - **The limit of one write a second for each object** is enforced once
//!   [`set_write_interval`](LoopbackGcs::set_write_interval) says how long that second is: 429 `rateLimitExceeded`.
//! - **Counts**: [`requests`](LoopbackGcs::requests) are what the server itself saw, gRPC and JSON together.
//! - **Faults** are switched on with [`fault`](LoopbackGcs::fault): lost requests and replies, 409, 412, 429, 500, 503,
//!   expired tokens, missing permissions, delays, cut bodies, a store that ignores conditions.
//! - **Restarts**: [`stop`](LoopbackGcs::stop) closes the port and every connection, [`resume`](LoopbackGcs::resume)
//!   listens on the same port with the same objects. Other processes reach it by [`worker_env`](LoopbackGcs::worker_env).
//!
//! ```
//! use certstore_conformance::loopback_gcs::{Effect, Fault, LoopbackGcs, Op};
//! let server = LoopbackGcs::start()?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! let lost = server.fault(Fault::new(Effect::LoseReply).on(Op::InsertObject));
//! // ... a client stores something ...
//! assert_eq!((lost.fired(), server.requests().total()), (0, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it does not enforce
//!
//! Of the API there are objects and one bucket: insert (multipart, media, resumable), read, metadata, list, delete, patch,
//! and over gRPC GetObject, ListObjects and DeleteObject. Copies, compositions, batches, ACLs, holds, retention, kept
//! versions, encryption keys and storage classes do not exist. `fields` and `projection` are not looked at. Objects are
//! limited to [`MAX_OBJECT`] bytes instead of 5 TiB. Quotas other than the one above do not exist, and nothing is slow by
//! itself. A lost request or reply ends the connection, and over HTTP/2 with it what else was under way there. Tokens do
//! not expire.
//!
//! What no emulator can prove of the real service: whether a write that fails its condition counts towards the limit (here
//! it does not), that a retry with the same idempotency token is answered with the first success, what a delete of
//! nothing under a condition answers (here 404), and when exactly throttling begins.

mod body;
mod call;
mod condition;
mod digest;
mod fault;
mod grpc;
mod json;
mod list;
mod log;
mod oauth;
mod object;
mod op;
mod reads;
mod refusal;
mod resource;
mod resumable;
mod rpc;
mod serve;
mod server;
mod store;
mod tokens;
mod uploads;

pub use crate::loopback::ArmedFault;
pub use fault::{Effect, Fault};
pub use log::{Request, Requests};
pub use op::Op;
pub use server::LoopbackGcs;

/// The longest object, in bytes: 128 MiB.
pub const MAX_OBJECT: usize = 128 * 1024 * 1024;
