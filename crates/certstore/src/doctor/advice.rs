//! What to do about an error, by its kind, and about a step of the probe.

use certstore_core::{Error, ErrorKind};

/// What the caller can do.
pub(super) fn for_error(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => {
            "create what is missing (the bucket, the database, the table: `certstore schema` prints tables), or correct its name"
        }
        ErrorKind::InvalidKey => "shorten the prefix: with it, keys are too long for the backend",
        ErrorKind::InvalidConfig => {
            "correct the config as the message says; `certstore --help` lists every key"
        }
        ErrorKind::PermissionDenied => {
            "check the credentials and what they permit: reading, writing, listing and deleting under the prefix"
        }
        ErrorKind::Unavailable => {
            "check that the server runs, that the address and port are right, and that no firewall is between"
        }
        ErrorKind::Corrupt => {
            "`certstore verify` shows what is damaged; check the keyset of a sealed storage"
        }
        ErrorKind::Unsupported => {
            "this storage cannot do that safely; lock through another backend with [storage.lock]"
        }
        ErrorKind::Conflict | ErrorKind::Fenced | ErrorKind::LockLost => {
            "somebody else works there at the same time; run it again"
        }
        ErrorKind::TooLarge => {
            "the backend takes smaller values only; another backend may take them"
        }
        _ => "read the message; `certstore -vv doctor` says more",
    }
}

/// What to do when a step of the probe fails.
pub(super) fn for_step(step: &str) -> &'static str {
    match step {
        "store" => {
            "permit writing (s3:PutObject, storage.objects.create, oss:PutObject, INSERT and UPDATE, write access to the directory)"
        }
        "load" | "stat" => {
            "permit reading (s3:GetObject, storage.objects.get, oss:GetObject, SELECT, read access to the directory)"
        }
        "list" => {
            "permit listing (s3:ListBucket, storage.objects.list, oss:ListObjects, secretsmanager:ListSecrets)"
        }
        "create only" | "compare and set" => {
            "the store does not keep conditions: use another, or lock through another backend with [storage.lock]"
        }
        "lock" => {
            "see `certstore locks` for who holds the lock certstore-probe; permit writing below the lock directory"
        }
        "delete" => {
            "permit deleting (s3:DeleteObject, storage.objects.delete, oss:DeleteObject, DELETE), then remove the directory certstore-probe-* with `certstore rm`"
        }
        _ => {
            "the service does not do what the backend relies on; lock through another backend with [storage.lock]"
        }
    }
}
