//! What a script answers to a write.

use certstore_core::{Error, ErrorKind, Result};

use crate::error::unexpected_reply;

/// The error for an answer other than `ok`.
pub(super) fn judge(verdict: &str) -> Result<()> {
    let (kind, message): (_, std::borrow::Cow<'static, str>) = match verdict {
        "ok" => return Ok(()),
        "exists" => (ErrorKind::Conflict, "there is a value already".into()),
        "version" => {
            (ErrorKind::Conflict, "the value is not of that version any more; load it again".into())
        }
        "below" => {
            (ErrorKind::Conflict, "there are keys below this one, so it cannot have a value".into())
        }
        "stamped" => {
            (ErrorKind::Fenced, "a newer holder of the lock has written this key; stop".into())
        }
        "superseded" => (ErrorKind::Fenced, "a newer holder has the lock; stop".into()),
        "released" => {
            (ErrorKind::Fenced, "the lock was broken or given back in the meantime; stop".into())
        }
        "unrecorded" => (
            ErrorKind::Fenced,
            "the server has lost the lock's record, in a failover or restart; stop and lock again"
                .into(),
        ),
        _ => match verdict.strip_prefix("above:") {
            Some(dir) => (
                ErrorKind::Conflict,
                format!("\"{dir}\" above it has a value, so nothing can lie below").into(),
            ),
            None => return Err(unexpected_reply().with_may_have_applied(true)),
        },
    };
    Err(Error::new(kind, message))
}
