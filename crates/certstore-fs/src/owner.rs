//! Owners: what root writes into another user's directory belongs to that user.

use std::fs::File;
use std::io;

use rustix::fs::{Gid, Uid, fchown, fstat};

/// Gives `new` the owner and group of the directory `parent`, unless it has them already.
pub(crate) fn copy(parent: &File, new: &File) -> io::Result<()> {
    let (want, have) = (fstat(parent)?, fstat(new)?);
    if (want.st_uid, want.st_gid) != (have.st_uid, have.st_gid) {
        fchown(new, Some(Uid::from_raw(want.st_uid)), Some(Gid::from_raw(want.st_gid)))?;
    }
    Ok(())
}
