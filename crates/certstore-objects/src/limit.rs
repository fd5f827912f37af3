//! How large values are.

use certstore_core::{Error, ErrorKind, Result};

/// Checks a value's length.
///
/// # Errors
/// [`ErrorKind::TooLarge`]: it has more than `limit` bytes.
pub fn check_size(value: &[u8], limit: u64) -> Result<()> {
    if value.len() as u64 <= limit {
        return Ok(());
    }
    let message = format!("a value has at most {limit} bytes, this one has {}", value.len());
    Err(Error::new(ErrorKind::TooLarge, message))
}
