//! What the server's and the driver's errors mean to a caller.

use std::fmt;
use std::io;

use certstore_core::{Error, ErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "postgres";

/// The codes that this crate's own functions raise.
pub(crate) const BELOW_A_VALUE: &str = "CS001";
pub(crate) const ABOVE_KEYS: &str = "CS002";
const WRONG_ISOLATION: &str = "CS003";

/// Where a request was when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Opening a connection: nothing was asked for yet.
    Connect,
    /// A request that only reads.
    Read,
    /// A request that writes, once it may have left this process.
    Write,
}

/// The one mapping of a driver's error to this project's. What the server says is kept as the source, without the details
/// that may quote values.
pub(crate) fn from_sqlx(error: &sqlx::Error, stage: Stage) -> Error {
    let (kind, message) = match error {
        sqlx::Error::Database(error) => match server_error(&**error) {
            Some(server) => return from_server(server, stage),
            None => (ErrorKind::Other, "the server reports an error"),
        },
        sqlx::Error::Io(error) => io_meaning(error, stage),
        sqlx::Error::Tls(_) => NOT_ENCRYPTED,
        sqlx::Error::Configuration(_) => (
            ErrorKind::InvalidConfig,
            "the driver refuses the configuration; check url and ca_cert",
        ),
        sqlx::Error::Protocol(_) => (
            ErrorKind::Unavailable,
            "what answers does not speak PostgreSQL's protocol, or the connection broke in the middle; check host and port",
        ),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => (
            ErrorKind::Corrupt,
            "a column is not of the type it was created with; compare the tables with `certstore schema print`",
        ),
        _ => (ErrorKind::Other, "the driver reports an error"),
    };
    let lost = matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_));
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(lost && stage == Stage::Write)
        .with_source(Cause { text: one_line(&error.to_string()), code: None })
}

/// A time-out of this process's own.
pub(crate) fn timed_out(message: impl Into<std::borrow::Cow<'static, str>>, stage: Stage) -> Error {
    Error::new(ErrorKind::Unavailable, message)
        .with_backend(BACKEND)
        .with_may_have_applied(stage == Stage::Write)
}

/// Whether the connection is of no use any more.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => server_error(&**error).is_none_or(|error| {
            matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)
                // What stands behind the address may have changed: a fail-over, a table that was made anew.
                || matches!(error.code(), "25006" | "26000" | "0A000")
                || error.code().starts_with("08")
        }),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => false,
        _ => true,
    }
}

/// Whether the server has refused the statement for the moment, and certainly done nothing.
pub(crate) fn is_clash(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(code, "40001" | "40P01" | "26000"))
}

/// Whether the request certainly did not leave: only a write to a closed socket gives a broken pipe, and the end of the
/// message, without which the server does nothing, was in it.
pub(crate) fn is_unsent(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

/// The server's code for the error.
pub(crate) fn code(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => server_error(&**error).map(PgDatabaseError::code),
        _ => None,
    }
}

fn server_error<'a>(
    error: &'a (dyn sqlx::error::DatabaseError + 'static),
) -> Option<&'a PgDatabaseError> {
    error.try_downcast_ref::<PgDatabaseError>()
}

fn from_server(error: &PgDatabaseError, stage: Stage) -> Error {
    let (kind, message) = meaning(error.code(), error.message());
    let fatal = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    // An error undoes its statement; a session that is ended may have committed before.
    let lost = fatal || error.code().starts_with("08");
    Error::new(kind, message)
        .with_backend(BACKEND)
        .with_may_have_applied(lost && stage == Stage::Write)
        .with_source(Cause {
            text: format!("{} (SQLSTATE {})", one_line(error.message()), error.code()),
            code: Some(error.code().to_owned()),
        })
}

/// The server's code of an error that [`from_sqlx`] made.
pub(crate) fn code_of(error: &Error) -> Option<&str> {
    let cause = std::error::Error::source(error)?.downcast_ref::<Cause>()?;
    cause.code.as_deref()
}

const NOT_ENCRYPTED: (ErrorKind, &str) = (
    ErrorKind::InvalidConfig,
    "no encrypted connection could be made; check sslmode, ca_cert and the name in the server's certificate",
);

fn io_meaning(error: &io::Error, stage: Stage) -> (ErrorKind, &'static str) {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            ErrorKind::Unavailable,
            "no server listens at this host and port; start it, or check url",
        ),
        io::ErrorKind::NotFound if stage == Stage::Connect => (
            ErrorKind::Unavailable,
            "the server's socket or a certificate file is not there; start the server, or check url and ca_cert",
        ),
        io::ErrorKind::PermissionDenied => (
            ErrorKind::PermissionDenied,
            "this user may not open the server's socket or a certificate file; fix its permissions",
        ),
        io::ErrorKind::TimedOut => (ErrorKind::Unavailable, "the server does not answer; retry"),
        // So does a certificate fail that is not trusted.
        io::ErrorKind::InvalidData if stage == Stage::Connect => NOT_ENCRYPTED,
        _ if stage == Stage::Connect => (
            ErrorKind::Unavailable,
            "the server cannot be reached, or its name not be resolved; check url and the network",
        ),
        _ => (ErrorKind::Unavailable, "the connection to the server was lost; retry"),
    }
}

/// What a server's code asks of the caller. Codes: the appendix "PostgreSQL Error Codes" of its manual.
fn meaning(code: &str, message: &str) -> (ErrorKind, &'static str) {
    if let Some(known) = exactly(code) {
        return known;
    }
    match code.get(..2).unwrap_or_default() {
        "08" if message.contains("startup parameter") => (
            ErrorKind::InvalidConfig,
            "the pooler refuses a setting of the session; set pooler = \"transaction\"",
        ),
        "08" => (ErrorKind::Unavailable, "the connection to the server failed; retry"),
        "28" => (
            ErrorKind::PermissionDenied,
            "the server refuses this user from here; check url, password and the server's pg_hba.conf",
        ),
        "40" => (ErrorKind::Unavailable, "the statement clashed with others and was undone; retry"),
        "53" => (
            ErrorKind::Unavailable,
            "the server is short of something; look at its log and retry later",
        ),
        "54" => (ErrorKind::TooLarge, "the value is over a limit of the server"),
        "57" => (ErrorKind::Unavailable, "the server has ended the statement or session; retry"),
        "58" => (
            ErrorKind::Unavailable,
            "the server reports an input/output error; look at its log and retry",
        ),
        "XX" => (ErrorKind::Other, "the server reports an internal error; look at its log"),
        _ => (ErrorKind::Other, "the server reports an error"),
    }
}

/// What to do about the codes that say it.
const EXACTLY: &[(&[&str], ErrorKind, &str)] = &[
    (
        &[BELOW_A_VALUE],
        ErrorKind::Conflict,
        "a key above this one has a value, so nothing can lie below",
    ),
    (
        &[ABOVE_KEYS],
        ErrorKind::Conflict,
        "there are keys below this one, so it cannot have a value",
    ),
    (
        &[WRONG_ISOLATION],
        ErrorKind::InvalidConfig,
        "the server's default_transaction_isolation must be \"read committed\" for this role; change it with ALTER ROLE",
    ),
    (
        &["28P01"],
        ErrorKind::PermissionDenied,
        "the server refuses the user name or password; check url and password",
    ),
    (
        &["3D000"],
        ErrorKind::InvalidConfig,
        "the server has no database of this name; create it, or check url",
    ),
    (
        &["3F000"],
        ErrorKind::InvalidConfig,
        "the schema does not exist; create it, or check schema and the role's search_path",
    ),
    (
        &["42501"],
        ErrorKind::PermissionDenied,
        "the role lacks a right to the tables, or to create them; grant it, or let an administrator apply `certstore schema print`",
    ),
    (
        &["42P01", "42703", "42883", "42704"],
        ErrorKind::InvalidConfig,
        "the tables are missing or of another version; apply `certstore schema print`, or set migrate = true",
    ),
    (
        &["53100"],
        ErrorKind::Unavailable,
        "the server's disk is full; nothing was written: free some space and retry",
    ),
    (
        &["53300"],
        ErrorKind::Unavailable,
        "the server has no connection left; lower max_connections here or raise it there, and retry",
    ),
    (
        &["57014"],
        ErrorKind::Unavailable,
        "the statement took longer than timeout and was undone; retry",
    ),
    (
        &["57P01", "57P02"],
        ErrorKind::Unavailable,
        "the server is shutting down or has ended this session; retry",
    ),
    (&["57P03"], ErrorKind::Unavailable, "the server is starting or shutting down; retry shortly"),
    (&["55P03"], ErrorKind::Unavailable, "a row is locked by somebody else; retry"),
    (
        &["25006"],
        ErrorKind::PermissionDenied,
        "the server or role may only read; name the primary in url, or let the role write",
    ),
    (
        &["22021", "22P05"],
        ErrorKind::InvalidKey,
        "the database's encoding has no such character; create the database with encoding UTF8",
    ),
    (&["0A000"], ErrorKind::Unsupported, "the server or pooler does not support this"),
    (
        &["26000"],
        ErrorKind::InvalidConfig,
        "a prepared statement is gone: a pooler changes sessions; set pooler = \"transaction\"",
    ),
    (
        &["XX001", "XX002"],
        ErrorKind::Corrupt,
        "the server's tables or indexes are damaged; look at its log",
    ),
];

fn exactly(code: &str) -> Option<(ErrorKind, &'static str)> {
    let found = EXACTLY.iter().find(|(codes, ..)| codes.contains(&code))?;
    Some((found.1, found.2))
}

/// What the driver or server said, on one line.
struct Cause {
    text: String,
    code: Option<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
