//! `certstore export`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use certstore::Dir;
use certstore::archive::{ExportOptions, ExportReport, export};
use clap::Args;

use super::Context;
use crate::exit::Failure;
use crate::local_file::Pending;
use crate::progress::Progress;

/// Write everything, or one directory, to a tar archive, as `caddy storage export` does
#[derive(Debug, Args)]
#[command(after_help = "\
The archive has a plain file for each value, named as its key, as Caddy 2.7 and later write and read it; `certstore import` \
and `caddy storage import` take it in. It holds private keys as they are, also those of a sealed storage: keep it secret. \
The file is readable by its owner alone, and is there only when it is whole; what is written to the standard output has no \
end mark when it is cut short, and an import refuses it.

With --json it is an object with values, bytes, vanished and foreign; not when the archive goes to the standard output.

Examples:
  certstore export backup.tar
  certstore --storage file:///var/lib/caddy export - | age -r RECIPIENT > backup.tar.age
  certstore export sites.tar certificates")]
pub(crate) struct Export {
    /// The file to write; - is the standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The directory or the value to export; everything without it
    #[arg(default_value = "", hide_default_value = true)]
    dir: String,
    /// Leave out stored names that are no valid keys, instead of stopping at them
    #[arg(long)]
    skip_foreign: bool,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut options = ExportOptions::default();
        options.dir = Dir::new(&self.dir)?;
        options.skip_foreign = self.skip_foreign;
        let storage = context.open().await?;
        let progress = Progress::new(context.global.quiet, "exporting", 0);
        if self.file == Path::new("-") {
            let standard = BufWriter::new(io::stdout());
            let written = export(&*storage, &options, standard, || progress.step()).await;
            let (mut standard, _) = written.map_err(of_pipe)?;
            return standard.flush().map_err(Failure::printing);
        }
        let pending = Pending::create(&self.file)?;
        let writer = BufWriter::new(pending);
        let (writer, report) = export(&*storage, &options, writer, || progress.step()).await?;
        drop(progress);
        let what = || format!("write {}", self.file.display());
        let pending =
            writer.into_inner().map_err(|error| Failure::local(what(), error.into_error()))?;
        pending.keep().map_err(|error| Failure::local(what(), error))?;
        let mut out = context.output();
        if out.is_json() {
            out.json(&report)?;
        } else {
            out.line(line(&report))?;
        }
        out.finish()
    }
}

/// A reader that has had enough is no failure.
fn of_pipe(error: certstore::Error) -> Failure {
    let source =
        std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    if source.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
        return Failure::ClosedPipe;
    }
    error.into()
}

fn line(report: &ExportReport) -> String {
    let mut line = format!("{} values exported, {} bytes", report.values, report.bytes);
    if report.vanished > 0 {
        line.push_str(&format!("; {} were deleted meanwhile", report.vanished));
    }
    if !report.foreign.is_empty() {
        line.push_str(&format!("; {} names left out that are no valid keys", report.foreign.len()));
    }
    line
}
