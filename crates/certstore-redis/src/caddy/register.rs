//! Leases in the plugin's lock keys, with a record of our own beside each.
//!
//! The plugin's lock is a key with a random value and a time to live; whoever set the value holds the lock. That value is
//! all the plugin looks at, so ours looks the same: the nonce of the acquisition, as 22 characters. What else the lease
//! engine keeps (token, renewals, holder) lies in a hash that the plugin never reads.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use certstore_core::lease::{Claim, LeaseConfig, Record, Register, State, Stored, Swap, Wake};
use certstore_core::{Error, ErrorKind, Result, Version};

use super::data::Data;
use crate::config::{RedisConfig, WakeUp};
use crate::connection::Connection;
use crate::error::unexpected_reply;
use crate::register::{Policy, at_release};

/// How long the record of a lock that nobody takes is kept, in milliseconds: 30 days.
const KEEP_MS: &[u8] = b"2592000000";

/// Marks the version of a holder that is none of ours.
const FOREIGN: &str = "foreign ";

/// Who holds a lock that has a value of the plugin's and no record of ours.
pub(super) const PEER: &str = "Caddy, or another program without a record here";

/// The locks of one prefix.
pub(super) struct CaddyRegister {
    data: Arc<Data>,
    /// With the limit of a lock's requests.
    connection: Connection,
    policy: Policy,
    grace: Duration,
    /// The channel of releases; empty where nobody is woken.
    releases: String,
}

/// The fields of our record: the lock's value, the text, token and nonce.
type Beside = Vec<Option<String>>;

impl CaddyRegister {
    pub(super) fn new(data: Arc<Data>, config: &RedisConfig, lease: &LeaseConfig) -> Self {
        let releases = match config.wake {
            WakeUp::Push => data.names.wake_channel(),
            WakeUp::None => String::new(),
        };
        // The engine gives a request up after its own limit; a dead connection must be noticed before.
        let connection = data.connection.with_limit(lease.request() * 9 / 10);
        let policy = Policy::new(data.names.prefix().to_owned());
        Self { data, connection, policy, grace: config.restart_grace, releases }
    }

    fn keys(&self, name: &str) -> [String; 2] {
        [self.data.names.lock(name), self.data.names.lock_record(name)]
    }

    /// What lies at a lock: its value, and our record if it belongs to that value.
    fn judged(name: &str, holder: &[u8], beside: &Beside) -> Result<Stored> {
        match beside.first() {
            Some(Some(ours)) if ours.as_bytes() == holder => {
                recorded(beside)?.ok_or_else(unexpected_reply)
            }
            _ => foreign(name, holder),
        }
    }
}

#[async_trait]
impl Register for CaddyRegister {
    async fn read(&self, name: &str) -> Result<Option<Stored>> {
        let keys = self.keys(name);
        let keys = keys.each_ref().map(String::as_bytes);
        let (holder, beside): (Option<Vec<u8>>, Beside) =
            self.connection.script(&self.data.scripts.read, &keys, &[]).await?;
        match holder {
            Some(holder) => Self::judged(name, &holder, &beside).map(Some),
            // A held record without the lock's key is one whose lease is over.
            None => Ok(recorded(&beside)?.filter(|stored| stored.record.state == State::Free)),
        }
    }

    /// Renews and frees. A lock that is free is taken by [`claim`](Register::claim) only, so that nothing is written
    /// over a holder of the plugin's.
    async fn swap(&self, name: &str, expected: Option<&Version>, record: &Record) -> Result<Swap> {
        let Some(expected) = expected else { return Ok(Swap::Conflict) };
        let keys = self.keys(name);
        let keys = keys.each_ref().map(String::as_bytes);
        let lease = match record.state {
            State::Held => record.lease.as_millis().to_string(),
            State::Free => String::new(),
        };
        let (value, nonce) = (value_of(record), nonce_of(record));
        let (text, token) = (record.encode(), record.token.to_string());
        let args = [&value, expected.as_str(), &lease, &text, &nonce, &token, &self.releases, name];
        let mut args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        args.push(KEEP_MS);
        let done: u8 = self.connection.script(&self.data.scripts.swap, &keys, &args).await?;
        Ok(if done == 1 { Swap::Done(Version::new(nonce)) } else { Swap::Conflict })
    }

    fn server_clock(&self) -> bool {
        true
    }

    async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        self.policy.check(&self.connection).await?;
        let [lock, beside] = self.keys(name);
        let server = self.data.names.server_record();
        let keys = [lock.as_bytes(), beside.as_bytes(), server.as_bytes()];
        let (value, nonce) = (value_of(record), nonce_of(record));
        let (lease, span) = (record.lease.as_millis().to_string(), record.span.to_string());
        let args = [&value, &lease, &record.encode(), &nonce, &span];
        let mut args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        let grace = self.grace.as_millis().to_string();
        args.extend([KEEP_MS, grace.as_bytes()]);
        let answer: (String, String, Vec<u8>, Beside) =
            self.connection.script(&self.data.scripts.claim, &keys, &args).await?;
        let (kind, number, holder, beside) = answer;
        match kind.as_str() {
            "granted" => {
                let mut record = record.clone();
                record.token = number.parse().map_err(|_| unexpected_reply())?;
                Ok(Claim::Granted(Stored { record, version: Version::new(nonce) }))
            }
            "held" => {
                let by = Self::judged(name, &holder, &beside)?;
                // -1: somebody has set the lock without an end.
                let left = number.parse::<i64>().map_err(|_| unexpected_reply())?;
                let left = u64::try_from(left).map_or(record.lease, Duration::from_millis);
                Ok(Claim::Held { by, left: left.max(Duration::from_millis(1)) })
            }
            "grace" => {
                let mut by = foreign(name, b"")?;
                "the grace after the server's restart".clone_into(&mut by.record.holder.name);
                let left = number.parse().map_err(|_| unexpected_reply())?;
                Ok(Claim::Held { by, left: Duration::from_millis(left) })
            }
            _ => Err(unexpected_reply()),
        }
    }

    /// All locks that are held, the plugin's too: it leaves no list of them, so the server's keys are gone through.
    async fn names(&self) -> Result<Vec<String>> {
        let locks = self.data.names.locks();
        let pattern = format!("{}*", escaped(&locks));
        let mut names = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let args = [cursor.as_bytes(), pattern.as_bytes()];
            let (next, found): (String, Vec<Vec<u8>>) = self
                .connection
                .script(&self.data.scripts.scan, &[self.data.names.prefix().as_bytes()], &args)
                .await?;
            for key in found {
                let name = String::from_utf8(key).ok();
                names.extend(name.and_then(|name| name.strip_prefix(&locks).map(str::to_owned)));
            }
            if next == "0" {
                break;
            }
            cursor = next;
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn wake(&self, name: &str) -> Wake {
        if self.releases.is_empty() {
            return Box::pin(std::future::pending());
        }
        at_release(&self.connection, &self.releases, name)
    }
}

/// Whether it is the lock of somebody who keeps no record here.
pub(super) fn is_foreign(stored: &Stored) -> bool {
    stored.version.as_str().starts_with(FOREIGN)
}

/// The value of the lock's key: 16 random bytes in base64url, as the plugin's library makes them.
fn value_of(record: &Record) -> String {
    BASE64_URL.encode(record.owner.to_be_bytes())
}

fn nonce_of(record: &Record) -> String {
    format!("{:032x}", record.write)
}

/// Our record, if there is one.
fn recorded(beside: &Beside) -> Result<Option<Stored>> {
    let [_, Some(text), Some(token), Some(write)] = beside.as_slice() else { return Ok(None) };
    let mut record = Record::decode(text)?;
    record.token = token.parse().map_err(|_| {
        Error::new(ErrorKind::Corrupt, "the lock record is damaged: its token is no number")
    })?;
    Ok(Some(Stored { record, version: Version::new(write.as_str()) }))
}

/// What stands for a holder of whom only the lock's value is known. It has no token.
fn foreign(name: &str, holder: &[u8]) -> Result<Stored> {
    let text = format!(
        "certstore-lock 1\nname -\nstate held\nowner 0\nwrite 0\ntoken 0\nspan 1\nseq 0\nlease_ms 5000\n\
         created_us 0\nupdated_us 0\nholder {PEER}\n"
    );
    let mut record = Record::decode(&text)?;
    name.clone_into(&mut record.name);
    let version = format!("{FOREIGN}{}", BASE64_URL.encode(holder));
    Ok(Stored { record, version: Version::new(version) })
}

/// A text that stands for itself in a pattern of Redis.
pub(super) fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
