//! An AWS Secrets Manager server in this process: for tests of its clients, and of what they do when it fails.
//!
//! It speaks JSON 1.1 over plain HTTP on 127.0.0.1 and keeps its secrets in memory, by what the service's API reference
//! says.
//!
//! - **Signatures** of version 4 are checked: a wrong secret is `InvalidSignatureException`, an unknown key or a wrong
//!   session token `UnrecognizedClientException`, an unsigned request `MissingAuthenticationTokenException`, another
//!   region than [`REGION`] `InvalidSignatureException`. There is a [read-only key](LoopbackSecretsManager::read_only)
//!   and one with a [session token](LoopbackSecretsManager::temporary).
//! - **Staging labels** are linearizable: each request is one step under one lock. A label is on one version; moving
//!   `AWSCURRENT` moves `AWSPREVIOUS`; [`UpdateSecretVersionStage`](Op::UpdateSecretVersionStage) fails unless
//!   `RemoveFromVersionId` names the version that has the label.
//! - **Limits** are the service's: 512 characters a name, 65,536 bytes a value, 20 labels a secret, and
//!   [`MAX_VERSIONS`] versions, of which none younger than 24 hours is removed
//!   ([`set_version_limit`](LoopbackSecretsManager::set_version_limit) lifts that).
//! - **Time** is the server's own: [`advance`](LoopbackSecretsManager::advance) moves it on. Lists
//!   ([`set_list_delay`](LoopbackSecretsManager::set_list_delay)) and reads
//!   ([`set_read_delay`](LoopbackSecretsManager::set_read_delay)) can show an earlier state, forced deletes
//!   ([`set_delete_lag`](LoopbackSecretsManager::set_delete_lag)) can block the name for a while, and requests over a
//!   rate ([`set_rate`](LoopbackSecretsManager::set_rate)) are throttled.
//! - **Counts**: [`requests`](LoopbackSecretsManager::requests) are what the server itself saw.
//! - **Faults** are switched on with [`fault`](LoopbackSecretsManager::fault).
//! - **Restarts**: [`stop`](LoopbackSecretsManager::stop) closes the port and every connection,
//!   [`resume`](LoopbackSecretsManager::resume) listens on the same port with the same secrets. Other processes reach it
//!   by [`worker_env`](LoopbackSecretsManager::worker_env).
//!
//! ```
//! use certstore_conformance::loopback_secretsmanager::{Effect, Fault, LoopbackSecretsManager, Op};
//! let server = LoopbackSecretsManager::start()?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! let lost = server.fault(Fault::new(Effect::LoseReply).on(Op::PutSecretValue));
//! // ... a client stores something ...
//! assert_eq!((lost.fired(), server.requests().total()), (0, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it does not enforce
//!
//! Rotation, replication, resource policies, tags, KMS keys and random passwords do not exist here: tags and keys are
//! taken and told again. Quotas of an account, other than the rate that is set, have no limit. Filters other than `name`
//! are refused. How the service orders its checks where a request is wrong in two ways is a guess.

mod args;
mod body;
mod clock;
mod deletes;
mod failure;
mod fault;
mod lists;
mod log;
mod op;
mod reads;
mod secret;
mod serve;
mod server;
mod sign;
mod store;
mod writes;

pub use crate::loopback::ArmedFault;
pub use crate::loopback::credentials::Credentials;
pub use fault::{Effect, Fault};
pub use log::{Request, Requests};
pub use op::Op;
pub use server::LoopbackSecretsManager;

/// The region that signatures must name.
pub const REGION: &str = "eu-west-1";

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 65_536;

/// How many versions a secret has before old ones are removed; those of the last 24 hours stay.
pub const MAX_VERSIONS: usize = 100;
