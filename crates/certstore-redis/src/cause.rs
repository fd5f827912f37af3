//! The driver's errors as sources of ours.

use std::error::Error;
use std::fmt;

use redis::RedisError;

/// An error of the driver that is told once. The driver's own `Display` is that of its source, so whoever walks the
/// sources would read the same twice.
#[derive(Debug)]
pub(crate) struct Cause(pub(crate) RedisError);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}
