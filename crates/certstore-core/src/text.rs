//! Errors as text.

use std::error::Error;

/// An error with its sources in one line, for what takes texts: a report, another library's error, a log of another. Line
/// ends and escape sequences in the words of others become spaces.
///
/// ```
/// use certstore_core::{Error, ErrorKind, one_line};
/// let error = Error::new(ErrorKind::Unavailable, "the server does not answer").with_source(std::io::Error::other("reset\n"));
/// assert_eq!(one_line(&error), "the server does not answer: reset");
/// ```
#[must_use]
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    let texts: Vec<String> = chain.map(ToString::to_string).collect();
    let shown: String =
        texts.join(": ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
