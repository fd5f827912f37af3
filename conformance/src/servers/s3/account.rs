//! What a client needs to reach an S3 server.

use std::fmt;
use std::io;

use super::{BUCKET, REGION};

/// Where an S3 server is and what opens it. The addresses are path style: `http://127.0.0.1:PORT/BUCKET/KEY`.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Account {
    endpoint: String,
    access_key: String,
    secret_key: String,
}

impl S3Account {
    pub(super) fn new(port: u16, access_key: &str, secret_key: &str) -> Self {
        Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        }
    }

    /// Undoes [`to_text`](Self::to_text).
    pub(super) fn from_text(text: &str) -> io::Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [endpoint, access_key, secret_key] = words[..] else {
            return Err(io::Error::other(
                "an account is an endpoint, an access key and its secret",
            ));
        };
        Ok(Self {
            endpoint: endpoint.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        })
    }

    /// One line, for the environment of another process.
    pub(super) fn to_text(&self) -> String {
        format!("{} {} {}", self.endpoint, self.access_key, self.secret_key)
    }

    /// The endpoint: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The access key id, which has all rights.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret access key.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The region to sign for.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// A bucket that is there from the start and keeps no versions.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }
}

impl fmt::Debug for S3Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Account")
            .field("endpoint", &self.endpoint)
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}
