//! Clearing away what killed processes have left in the directory `locks`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::dir::LocksDir;
use crate::root::Root;

/// Files of passing names live for milliseconds, requests to break for seconds: what is older is left over.
const OLD: Duration = Duration::from_secs(3600);

/// Removes passing files that are old. Errors wait for the next sweep.
pub(super) fn sweep(root: &Arc<Root>) {
    if let Err(error) = try_sweep(root) {
        tracing::debug!(%error, "left-over lock files could not be swept");
    }
}

fn try_sweep(root: &Arc<Root>) -> io::Result<()> {
    let dir = LocksDir::open(root)?;
    let now = root.clock().wall();
    for name in dir.list()?.iter().filter(|name| name.starts_with('.') && name.ends_with('~')) {
        let Some(modified) = dir.modified(name)? else { continue };
        if now.duration_since(modified).is_ok_and(|age| age > OLD) {
            dir.remove(name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
