//! A long list against find and sort.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certstore::Dir;

use crate::stats::median;
use crate::{Result, open, runtime, verdict};

const FOLDERS: usize = 1_000;
const FILES: usize = 100;
const ROUNDS: usize = 9;

/// A recursive list of 100,000 keys is at least as fast as `find | LC_ALL=C sort`.
pub(crate) fn list(folder: &Path) -> Result<bool> {
    let (storage, runtime) = (open(&folder.join("store"))?, runtime()?);
    let root = folder.join("store/certificates");
    for site in 0..FOLDERS {
        let site = root.join(format!("site-{site}.example.test"));
        std::fs::create_dir_all(&site)?;
        for file in 0..FILES {
            std::fs::write(site.join(format!("value-{file}.crt")), b"x")?;
        }
    }
    let dir: Dir = "certificates".parse()?;
    let (mut ours, mut theirs): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        let start = Instant::now();
        let keys = runtime.block_on(storage.list(&dir, true))?;
        ours.push(start.elapsed());
        if keys.len() != FOLDERS + FOLDERS * FILES {
            return Err(format!("the list has {} keys", keys.len()).into());
        }
        let start = Instant::now();
        find(&root)?;
        theirs.push(start.elapsed());
    }
    // the first round of each warms the caches
    let (ours, theirs) = (median(&ours[1..]), median(&theirs[1..]));
    Ok(verdict(
        "fs list",
        ours <= theirs,
        &format!(
            "{ours:?} for 100,000 keys in 1,000 directories (target: find piped through LC_ALL=C sort, {theirs:?}); p50 of {ROUNDS}"
        ),
    ))
}

fn find(root: &Path) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", "find . | LC_ALL=C sort"]).current_dir(root).stdout(Stdio::null());
    if command.status()?.success() { Ok(()) } else { Err("find | sort failed".into()) }
}
