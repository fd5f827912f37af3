//! What Redis' answers mean to a caller.

use certstore_core::{Error, ErrorKind};
use redis::{ErrorKind as Kind, RedisError, ServerErrorKind as Server};

use crate::cause::Cause;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "redis";

/// Whether a command that fails on the way may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads.
    Read,
    /// It writes: when its reply is lost, it may have taken effect.
    Write,
}

/// The one mapping of an error of the driver or the server to this project's error; the driver's is kept as the source.
pub(crate) fn redis_error(error: RedisError, effect: Effect) -> Error {
    let (kind, message) = meaning(&error);
    let unclear = effect == Effect::Write && is_unclear(&error);
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(unclear)
        .with_source(Cause(error))
}

/// As [`redis_error`], of a cluster: a slot that is still said to be elsewhere after all resends is on its way.
pub(crate) fn cluster_error(error: RedisError, effect: Effect) -> Error {
    if error.kind() == Kind::Server(Server::Moved) {
        let (kind, message) = by_server_kind(Server::TryAgain);
        return Error::new(kind, message).with_backend(BACKEND).with_source(Cause(error));
    }
    redis_error(error, effect)
}

/// The error of a call that got no reply within its time-out.
pub(crate) fn timed_out(limit: std::time::Duration, effect: Effect) -> Error {
    let message = format!(
        "the server did not answer within {} ms; see whether it is up and reachable, then retry",
        limit.as_millis()
    );
    Error::new(ErrorKind::Unavailable, message)
        .with_backend(BACKEND)
        .with_may_have_applied(effect == Effect::Write)
}

/// A reply of a form that no server gives: somebody else wrote under these names, or it is no Redis.
pub(crate) fn unexpected_reply() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the server's reply is not of the expected form; see what else writes under this prefix",
    )
    .with_backend(BACKEND)
}

/// Whether the command surely was not executed, so that it may be sent again.
pub(crate) fn is_refused_unexecuted(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        Kind::Server(
            Server::Moved | Server::Ask | Server::TryAgain | Server::ClusterDown | Server::ReadOnly
        ) | Kind::ClusterConnectionNotFound
    )
}

/// Whether the connection is of no more use.
pub(crate) fn is_dead(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || matches!(
            error.kind(),
            Kind::Server(Server::ReadOnly | Server::MasterDown) | Kind::ClusterConnectionNotFound
        )
}

/// Whether a write that failed with this may have taken effect all the same: only a reply of the server tells.
fn is_unclear(error: &RedisError) -> bool {
    error.is_timeout()
        || error.is_connection_dropped()
        || matches!(error.kind(), Kind::Io | Kind::Parse | Kind::UnexpectedReturnType)
}

fn meaning(error: &RedisError) -> (ErrorKind, &'static str) {
    if let Some(found) = by_text(error).or_else(|| of_tls(error)) {
        return found;
    }
    match error.kind() {
        Kind::AuthenticationFailed => WRONG_PASSWORD,
        Kind::Server(server) => by_server_kind(server),
        Kind::RESP3NotSupported => (
            ErrorKind::InvalidConfig,
            "the server does not speak RESP3; use Redis 7 or later, or Valkey",
        ),
        Kind::MasterNameNotFoundBySentinel => NO_MASTER,
        Kind::InvalidClientConfig => {
            (ErrorKind::InvalidConfig, "the connection's settings are wrong; see the cause")
        }
        Kind::ClusterConnectionNotFound => (
            ErrorKind::Unavailable,
            "no node of the cluster that keeps this prefix can be reached; see whether it is up, then retry",
        ),
        Kind::Parse | Kind::UnexpectedReturnType => (
            ErrorKind::Corrupt,
            "the reply is not one of Redis; see whether the address is a Redis server's",
        ),
        _ if error.is_timeout() => {
            (ErrorKind::Unavailable, "the server did not answer in time; retry when it is back")
        }
        _ if error.is_connection_refusal() => (
            ErrorKind::Unavailable,
            "the server refuses the connection; see whether it runs at that address, then retry",
        ),
        Kind::Io => (
            ErrorKind::Unavailable,
            "the connection failed; see whether the server is up and reachable, then retry",
        ),
        _ => (ErrorKind::Other, "the server reports an error; see the cause"),
    }
}

const WRONG_PASSWORD: (ErrorKind, &str) = (
    ErrorKind::PermissionDenied,
    "the server refuses this user name or password; correct username and password",
);

/// Sentinels that know no such master.
pub(crate) const NO_MASTER: (ErrorKind, &str) = (
    ErrorKind::InvalidConfig,
    "the sentinels know no master of this name; correct master, as in their \"sentinel monitor\"",
);

/// A server without room for another client.
pub(crate) const FULL: (ErrorKind, &str) = (
    ErrorKind::Unavailable,
    "the server has reached its limit of clients (maxclients); raise it or retry later",
);

fn by_server_kind(kind: Server) -> (ErrorKind, &'static str) {
    match kind {
        Server::BusyLoading => (
            ErrorKind::Unavailable,
            "the server is loading its data after a start; retry in a moment",
        ),
        Server::ReadOnly => (
            ErrorKind::Unavailable,
            "this server is a read-only replica; name the primary, or use mode = \"sentinel\", and retry",
        ),
        Server::MasterDown => (
            ErrorKind::Unavailable,
            "this replica has lost its primary; retry when there is one again",
        ),
        Server::Moved => {
            (ErrorKind::InvalidConfig, "this server is part of a cluster; set mode = \"cluster\"")
        }
        Server::Ask | Server::TryAgain => (
            ErrorKind::Unavailable,
            "the cluster is moving this prefix to another node; retry when that is done",
        ),
        Server::ClusterDown => (
            ErrorKind::Unavailable,
            "the cluster is down: not every slot has a node; retry when it is whole again",
        ),
        Server::CrossSlot => (
            ErrorKind::Other,
            "keys lie in different slots of the cluster; use layout = \"certstore\" there",
        ),
        Server::NoPerm => NO_PERMISSION,
        _ => (ErrorKind::Other, "the server reports an error; see the cause"),
    }
}

const NO_PERMISSION: (ErrorKind, &str) = (
    ErrorKind::PermissionDenied,
    "the server's access list forbids this user a command, key or channel; allow what the documentation lists",
);

/// TLS that fails: the driver passes it on as text.
fn of_tls(error: &RedisError) -> Option<(ErrorKind, &'static str)> {
    let text = if error.is_io_error() { error.to_string() } else { return None };
    if text.contains("CertificateRequired") || text.contains("received fatal alert") {
        Some((
            ErrorKind::PermissionDenied,
            "the server refuses the client's TLS; set client_cert and client_key to what it asks for",
        ))
    } else if text.contains("certificate") {
        Some((
            ErrorKind::InvalidConfig,
            "the server's certificate is not trusted; set ca_cert to the file of its authority",
        ))
    } else {
        None
    }
}

/// What the driver has no kind for, and what a script wraps in an error of its own.
fn by_text(error: &RedisError) -> Option<(ErrorKind, &'static str)> {
    let code = error.code().unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    let says = |word: &str| code == word.trim_end_matches(' ') || detail.contains(word);
    let found = if says("WRONGPASS") || says("NOAUTH") || detail.contains("invalid password") {
        WRONG_PASSWORD
    } else if says("NOPERM")
        || detail.contains("ACL failure")
        || detail.contains("can't run this command")
    {
        NO_PERMISSION
    } else if says("OOM") || detail.contains("used memory > 'maxmemory'") {
        (
            ErrorKind::Unavailable,
            "the server's memory is used up (maxmemory); raise the limit or free some, then retry",
        )
    } else if says("MISCONF") {
        (
            ErrorKind::Unavailable,
            "the server cannot save to its disk and takes no writes; see its log and free space, then retry",
        )
    } else if says("NOREPLICAS") {
        (
            ErrorKind::Unavailable,
            "the server has too few replicas to take writes (min-replicas-to-write); retry when they are back",
        )
    } else if says("READONLY ") {
        by_server_kind(Server::ReadOnly)
    } else if says("BUSY ") {
        (ErrorKind::Unavailable, "another client's script keeps the server busy; retry later")
    } else if detail.contains("max number of clients") {
        FULL
    } else if detail.contains("DB index is out of range") || detail.contains("invalid DB index") {
        (
            ErrorKind::InvalidConfig,
            "the server has no database of this number; correct it in the URL",
        )
    } else if detail.contains("SELECT is not allowed in cluster mode") {
        (ErrorKind::InvalidConfig, "a cluster has only database 0; remove the number from the URL")
    } else if detail.contains("cluster support disabled") {
        (ErrorKind::InvalidConfig, "this server is no cluster; set mode = \"single\"")
    } else if detail.contains("non local key") {
        by_server_kind(Server::TryAgain)
    } else if says("WRONGTYPE") {
        (
            ErrorKind::Corrupt,
            "a value of another kind lies here; see what else writes under this prefix",
        )
    } else {
        return None;
    };
    Some(found)
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
