//! What can be looked at without the storage: the config, the keyset, the directories.

use std::path::Path;

use super::Checks;
use crate::Config;

pub(super) fn look_at(config: &Config, checks: &mut Checks) {
    let mut detail = format!("values in {}", config.backend());
    if let Some(path) = config.path() {
        detail.push_str(&format!(" at {}", shown(path)));
    }
    if let Some(lock) = config.lock_backend() {
        detail.push_str(&format!(", locks in {lock}"));
    }
    detail.push_str(if config.is_sealed() { ", sealed" } else { "" });
    detail.push_str(if config.is_read_only() { ", to read only" } else { "" });
    checks.ok("config", detail);
    if config.backend() == "memory" {
        checks.warn(
            "durability",
            "the memory backend forgets everything when the program ends",
            "name a storage with --storage or in certstore.toml",
        );
    }
    #[cfg(feature = "seal")]
    look_at_keyset(config, checks);
    for path in config.paths() {
        look_at_directory(path, checks);
    }
}

#[cfg(feature = "seal")]
fn look_at_keyset(config: &Config, checks: &mut Checks) {
    use crate::config::KeysetPlace;
    match config.seal.as_ref().map(|seal| &seal.keys) {
        None => {}
        Some(KeysetPlace::Variable(name)) => match std::env::var_os(name) {
            Some(_) => checks.ok("keyset", format!("the variable {name} is set")),
            None => checks.fail(
                "keyset",
                format!("the variable {name} is not set"),
                "set it, or name a file with \"keyset\" in [storage.seal]",
            ),
        },
        Some(KeysetPlace::File(path)) => look_at_keyset_file(path, checks),
    }
}

#[cfg(feature = "seal")]
fn look_at_keyset_file(path: &Path, checks: &mut Checks) {
    match std::fs::metadata(path) {
        Err(error) => checks.fail(
            "keyset",
            format!("{} cannot be read: {error}", shown(path)),
            "restore it from where you keep it; without it nothing can be read (`certstore keyset create` makes a new one for a new storage)",
        ),
        Ok(found) => match others(&found) {
            Some(mode) => checks.warn(
                "keyset",
                format!("{} may be read by others: its mode is {mode:04o}", shown(path)),
                format!("chmod 600 {}", shown(path)),
            ),
            None => checks.ok("keyset", format!("{} is its owner's alone", shown(path))),
        },
    }
}

fn look_at_directory(path: &Path, checks: &mut Checks) {
    let check = format!("directory {}", shown(path));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            checks.ok(check, "is not there yet; the first write creates it");
        }
        Err(error) => checks.fail(
            check,
            format!("cannot be looked at: {error}"),
            "run certstore as the owner, or change the permissions",
        ),
        Ok(found) if !found.is_dir() => {
            checks.fail(check, "is no directory", "name a directory as the path of the storage");
        }
        Ok(found) => match others(&found) {
            Some(mode) => checks.warn(
                check,
                format!("may be entered by others: its mode is {mode:04o}; private keys lie in it"),
                format!("chmod 700 {}, unless a group is meant to read there", shown(path)),
            ),
            None => checks.ok(check, "is its owner's alone"),
        },
    }
}

/// The mode of a file that others than its owner may use.
#[cfg(unix)]
fn others(found: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let mode = found.mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn others(_: &std::fs::Metadata) -> Option<u32> {
    None
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
