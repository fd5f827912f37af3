//! `certstore import`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use certstore::archive::{ImportOptions, import};
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::local_file;
use crate::progress::Progress;

/// Store everything of a tar archive, as `caddy storage export` or `certstore export` writes it
#[derive(Debug, Args)]
#[command(after_help = "\
The archive is read whole before anything is written: one that is cut short, or has names that are no valid keys, entries \
that are no plain files, or values that the storage has otherwise, changes nothing. Values that are there already, byte for \
byte, are left alone, so an import that was interrupted is resumed by running it again. Lock records are left out.

Import to a storage that nobody serves from meanwhile. From the standard input, the archive is first copied to a \
temporary file that nobody else can open.

With --json it is an object with imported, overwritten, unchanged, bytes, locks and dry_run.

Examples:
  certstore import backup.tar --dry-run
  certstore --storage file:///var/lib/caddy import backup.tar
  age -d -i KEY backup.tar.age | certstore import -")]
pub(crate) struct Import {
    /// The archive; - is the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read and compare only; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write over values that are stored already with other bytes
    #[arg(long)]
    overwrite: bool,
    /// The largest value that is taken, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    max_value: u64,
    /// The most bytes that are taken in all
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30)]
    max_total: u64,
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = ImportOptions::default();
        options.dry_run = self.dry_run;
        options.overwrite = self.overwrite;
        options.max_value = self.max_value;
        options.max_total = self.max_total;
        let archive = self.archive()?;
        let storage = context.open().await?;
        let progress = Progress::new(context.global.quiet, "importing", 0);
        let report = import(&*storage, &options, BufReader::new(archive), |done, total| {
            if total == 0 { progress.step() } else { progress.at(done, total) }
        })
        .await?;
        drop(progress);
        let mut out = context.output();
        if out.is_json() {
            out.json(&report)?;
        } else {
            let would = if report.dry_run { "would be " } else { "" };
            out.line(format_args!(
                "{} values {would}imported, {} {would}overwritten, {} equal already; {} bytes{}",
                report.imported,
                report.overwritten,
                report.unchanged,
                report.bytes,
                if report.dry_run { "; nothing was written" } else { ", each read back" },
            ))?;
            if report.locks > 0 {
                out.line(format_args!("{} lock records were left out", report.locks))?;
            }
        }
        out.finish()
    }

    /// A file that can be read twice.
    fn archive(&self) -> Result<File, Failure> {
        let reading = |error| Failure::local(format!("read {}", self.file.display()), error);
        if self.file != Path::new("-") {
            let file = File::open(&self.file).map_err(reading)?;
            if file.metadata().map_err(reading)?.is_file() {
                return Ok(file);
            }
            return spool(file, self.max_total);
        }
        spool(io::stdin().lock(), self.max_total)
    }
}

fn spool(from: impl Read, limit: u64) -> Result<File, Failure> {
    let failed = |error| Failure::local("keep the archive in a temporary file", error);
    let mut file = local_file::nameless().map_err(failed)?;
    // Headers take their part as well: what is too long is found by the import.
    let limit = limit.saturating_mul(2).saturating_add(1 << 20);
    io::copy(&mut from.take(limit), &mut file).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(file)
}
