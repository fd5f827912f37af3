//! The layout of pberkel/caddy-storage-redis, shared with Caddy.
//!
//! A value is a string key `<prefix>/<key>` that holds one JSON object ([`envelope`]); a directory is a sorted set
//! `<prefix>/<directory>` of the names in it ([`walk`], [`data`]); a lock is a string key `<prefix>/locks/<name>` with a
//! random value and a time to live ([`register`]).

mod codec;
mod compression;
mod crypto;
mod data;
mod envelope;
mod erase;
mod locker;
mod names;
mod register;
mod scripts;
mod storage;
mod walk;

pub(crate) use erase::erase;
pub(crate) use storage::CaddyStorage;
