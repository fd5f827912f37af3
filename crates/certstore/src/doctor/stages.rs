//! How far a request got: to the server, past the credentials, to the bucket or database.

use certstore_core::{Error, ErrorKind, Result};

use super::Checks;

/// Where a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody answered, or not as a server of this kind.
    Server,
    /// The server refuses the credentials, or the request for its time.
    Credentials,
    /// There is no such bucket or database.
    Place,
    /// It is there, and a right is missing: the permissions tell which.
    Right,
    /// Something else, which the message says.
    Other,
}

const STAGES: [(Stage, &str, &str); 3] = [
    (Stage::Server, "server", "answers"),
    (Stage::Credentials, "credentials", "are accepted"),
    (Stage::Place, "place", "the bucket, database or account is there"),
];

/// By kind, and by the words in which the backends tell these apart.
fn stage(error: &Error) -> Stage {
    let says = |words: &[&str]| words.iter().any(|word| error.message().contains(word));
    match error.kind() {
        ErrorKind::Unavailable => Stage::Server,
        ErrorKind::PermissionDenied if says(&["allow ", "grant", "right", "permission"]) => {
            Stage::Right
        }
        ErrorKind::PermissionDenied => Stage::Credentials,
        ErrorKind::InvalidConfig if says(&["create it", "no database", "in another region"]) => {
            Stage::Place
        }
        _ => Stage::Other,
    }
}

/// The stages of a request that failed: those before it are passed, those behind it were not reached.
fn tell(at: Stage, error: &Error, checks: &mut Checks) {
    let mut reached = true;
    for (stage, check, passed) in STAGES {
        if stage == at {
            reached = false;
            checks.push(
                check,
                super::CheckStatus::Fail,
                certstore_core::one_line(error),
                Some(advice(at, error).to_owned()),
            );
        } else if reached {
            checks.ok(check, passed);
        } else {
            checks.skip([check], "the request did not get there");
        }
    }
    if at == Stage::Credentials && is_of_clock(error) {
        let advice = "set the clocks by NTP, then run it again";
        checks.fail("clock", "the server refuses requests for this machine's clock", advice);
    } else {
        checks.skip(["clock"], "the storage does not take requests");
    }
}

fn is_of_clock(error: &Error) -> bool {
    error.message().contains("clock")
}

fn advice(stage: Stage, error: &Error) -> &'static str {
    match stage {
        Stage::Server => {
            "check that the server runs, that the address, port and TLS are right, and that no firewall is between"
        }
        Stage::Credentials if is_of_clock(error) => "set this machine's clock, by NTP",
        Stage::Credentials => {
            "correct user and password, or the access key and its secret; look whether they have expired, and which of environment, profile and file is read"
        }
        Stage::Place => "create the bucket or database, or correct its name and region",
        Stage::Right | Stage::Other => super::advice::for_error(error),
    }
}

/// Tells how opening failed.
pub(super) fn failed(error: &Error, service: bool, checks: &mut Checks) {
    match stage(error) {
        Stage::Other | Stage::Right => {
            checks.failed("storage", error);
            checks.skip(["clock"], "the storage could not be opened");
        }
        _ if !service => {
            checks.failed("storage", error);
            checks.skip(["clock"], "the storage could not be opened");
        }
        at => {
            tell(at, error, checks);
            checks.skip(["storage"], "see above");
        }
    }
}

/// Tells how a first request ended, and whether more make sense.
pub(super) fn answered(result: &Result<()>, checks: &mut Checks) -> bool {
    let at = match result {
        Ok(()) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some((stage(error), error)),
    };
    match at {
        // What is wrong then is told by the permissions.
        None | Some((Stage::Right | Stage::Other, _)) => {
            for (_, check, passed) in STAGES {
                checks.ok(check, passed);
            }
            true
        }
        Some((at, error)) => {
            tell(at, error, checks);
            checks.skip(["storage"], "see above");
            false
        }
    }
}
