//! Where the servers lie that no package installs: `cargo xtask setup` puts them there, the tests find them.

use std::path::PathBuf;

/// `$XDG_CACHE_HOME/certstore-test`, else `~/.cache/certstore-test`, else in the temporary folder.
///
/// It holds `valkey/` and `pebble/` (the programs of Valkey and of a newer Pebble, under `usr/bin`), `venv/` (Python with
/// moto and boto3), and `ports/` (an empty lock file for each port that a test server had).
#[must_use]
pub fn tools_dir() -> PathBuf {
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("certstore-test")
}
