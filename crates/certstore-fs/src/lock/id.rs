//! The identity of the locks in one directory: random, made once, the same for all processes that share them.

use std::io::{self, Write};

use certstore_core::{LockerId, Result};
use rustix::fs::Mode;

use super::dir::LocksDir;
use super::shared::Shared;
use crate::error::io_error;

const FILE: &str = ".certstore-id";

/// The id of the locks in `dir`.
pub(super) fn of(shared: &Shared, dir: &LocksDir) -> Result<LockerId> {
    if let Some(id) = shared.id.get() {
        return Ok(id.clone());
    }
    let id = read_or_make(shared, dir).map_err(io_error)?;
    Ok(shared.id.get_or_init(|| id).clone())
}

fn read_or_make(shared: &Shared, dir: &LocksDir) -> io::Result<LockerId> {
    loop {
        let found = dir.read(FILE)?;
        if let Some(id) = found.as_ref().and_then(|found| parse(&found.bytes)) {
            return Ok(id);
        }
        if found.is_some() {
            // Cut by a power failure. One of those who see it takes it away.
            drop(dir.take(FILE, &*shared.random)?);
        }
        let (temp, mut file) = dir.create_temp(&*shared.random, Mode::RUSR | Mode::WUSR)?;
        writeln!(file, "{:032x}", shared.random.next_u128())?;
        // Whoever comes second reads what the first has written.
        dir.link(&temp.name, FILE)?;
    }
}

fn parse(bytes: &[u8]) -> Option<LockerId> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let valid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| LockerId::new(format!("fs:{text}")))
}
