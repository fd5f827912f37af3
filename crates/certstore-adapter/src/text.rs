//! Errors as text.

use std::error::Error as _;

use certstore_core::Error;

/// The error with its sources, in one line: for libraries whose errors are text.
///
/// ```
/// use certstore_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Unavailable, "the server does not answer").with_source(std::io::Error::other("reset"));
/// assert_eq!(certstore_adapter::one_line(&error), "the server does not answer: reset");
/// ```
#[must_use]
pub fn one_line(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        // A driver's words may have several lines.
        line.extend(cause.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }));
        source = cause.source();
    }
    line
}
