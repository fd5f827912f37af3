//! `cargo xtask conformance [BACKEND]`: the suite, run by the program against each backend.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::programs;
use crate::report::{Report, table};
use crate::shell::{capture, file_url, shown, target_dir};

/// A backend that needs nothing but this machine, and where to run it.
struct Backend {
    name: &'static str,
    url: fn(&Path) -> String,
}

const BACKENDS: &[Backend] = &[
    Backend { name: "memory", url: |_| "memory:".to_owned() },
    Backend { name: "fs", url: file_url },
];

/// Runs the suite and prints the table; fails when a clause does.
pub(crate) fn conformance(arguments: &[String]) -> Result<()> {
    let reports: Vec<Report> = match arguments {
        [] => all()?.to_vec(),
        [name] => {
            let known =
                || BACKENDS.iter().map(|backend| backend.name).collect::<Vec<_>>().join(", ");
            let backend = BACKENDS.iter().find(|backend| backend.name == name);
            vec![run(backend
                .with_context(|| format!("there is no backend {name}; there are {}", known()))?)?]
        }
        _ => bail!("cargo xtask conformance takes one backend or none"),
    };
    print!("{}", table(&reports));
    let failed: Vec<&str> = reports
        .iter()
        .filter(|report| report.count("failed") > 0)
        .map(|report| report.backend.as_str())
        .collect();
    if !failed.is_empty() {
        bail!("clauses failed on {}", failed.join(", "));
    }
    Ok(())
}

/// The reports of all backends, run once.
pub(crate) fn all() -> Result<&'static [Report]> {
    static REPORTS: OnceLock<Vec<Report>> = OnceLock::new();
    if let Some(reports) = REPORTS.get() {
        return Ok(reports);
    }
    let reports = BACKENDS.iter().map(run).collect::<Result<Vec<_>>>()?;
    Ok(REPORTS.get_or_init(|| reports))
}

/// What the backends declare, as rows of a Markdown table in the order of [`all`].
pub(crate) fn declared() -> Result<String> {
    let folder = folder("declared")?;
    let mut command = programs::capabilities()?;
    command.args(BACKENDS.iter().map(|backend| (backend.url)(&folder)));
    let rows = capture(&mut command);
    std::fs::remove_dir_all(&folder)?;
    rows
}

fn run(backend: &Backend) -> Result<Report> {
    let folder = folder(backend.name)?;
    let mut command = programs::certstore()?;
    let url = (backend.url)(&folder);
    command.args(["--quiet", "--storage", &url, "conformance", "--json"]);
    println!("$ {}", shown(&command));
    // It exits with 1 when a clause fails, and prints the report all the same.
    let output =
        command.stderr(std::process::Stdio::inherit()).output().context("cannot run certstore")?;
    std::fs::remove_dir_all(&folder)?;
    Report::parse(backend.name, &String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("no report from {} ({})", shown(&command), output.status))
}

/// On the disk that holds the build: what is promised of files is promised of a disk.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = target_dir().join(format!("conformance-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}
