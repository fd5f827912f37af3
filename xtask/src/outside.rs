//! Later.

use anyhow::Result;

pub(crate) fn outside() -> Result<()> {
    Ok(())
}
