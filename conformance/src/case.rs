//! What a case returns, and the checks that it is made of.

use std::fmt::Debug;

use certstore_core::{Error, ErrorKind};

/// Why a case ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The clause is broken.
    Failed(String),
    /// The clause cannot be checked here.
    NotSupported(String),
}

/// The result of a case: `Ok` means that the clause holds.
pub(crate) type Case<T = ()> = Result<T, Stop>;

impl Stop {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(crate) fn not_supported(why: impl Into<String>) -> Self {
        Self::NotSupported(why.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("unexpected error: {error:?}"))
    }
}

impl From<tokio::task::JoinError> for Stop {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(format!("a task of the case ended: {error}"))
    }
}

/// Fails the case with a message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err($crate::case::Stop::Failed(format!($($message)+)));
        }
    };
}
pub(crate) use ensure;

/// Fails unless both are equal; `what` names the left one.
pub(crate) fn same<L, R>(what: &str, left: &L, right: &R) -> Case
where
    L: PartialEq<R> + Debug + ?Sized,
    R: Debug + ?Sized,
{
    ensure!(left == right, "{what}: got {}, expected {}", cut(left), cut(right));
    Ok(())
}

/// Fails unless `result` is an error of `kind`; `what` names the call.
pub(crate) fn refused<T: Debug>(
    what: &str,
    result: Result<T, Error>,
    kind: ErrorKind,
) -> Case<Error> {
    match result {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Stop::Failed(format!("{what}: expected {kind:?}, got {error:?}"))),
        Ok(value) => {
            Err(Stop::Failed(format!("{what}: expected {kind:?}, got Ok({})", cut(&value))))
        }
    }
}

/// Debug text short enough for a line of a report.
fn cut<T: Debug + ?Sized>(value: &T) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
