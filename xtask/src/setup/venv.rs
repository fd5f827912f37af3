//! A private Python with the servers and clients of other people that the tests use.

use std::process::Command;

use anyhow::{Context, Result};

use super::tools::tools_dir;
use super::typed;
use crate::shell::{run, shown};

/// What goes in, each with its version: the tests state what these versions do.
const PINS: &[&str] = &[
    "moto[server]==5.2.5",
    "boto3==1.44.5",
    "google-cloud-storage[grpc]==3.17.1",
    "oss2==2.19.1",
    "alibabacloud-oss-v2==1.4.1",
    "tink==1.16.1",
];
/// Says which pins are installed; written last.
const MARK: &str = "certstore-pins";

/// Makes it, when it is missing or the pins have changed since.
pub(super) fn setup() -> Result<()> {
    let venv = tools_dir().join("venv");
    let pins = PINS.join("\n");
    let mark = venv.join(MARK);
    let python = venv.join("bin/python");
    if std::fs::read_to_string(&mark).is_ok_and(|text| text == pins) && python.is_file() {
        return Ok(());
    }
    println!(
        "setup: {} are missing: the tests of cloud stores run against them, or by them",
        PINS.join(" and ")
    );
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PINS);
    let mut import = Command::new(&python);
    import.args([
        "-c",
        "import alibabacloud_oss_v2, boto3, google.cloud.storage, grpc, moto.server, oss2, tink",
    ]);
    let mut steps = [make, install, import];
    let by_hand = steps.iter().map(typed).collect::<Vec<_>>().join(" && ");
    for step in &mut steps {
        println!("setup: {}", shown(step));
        run(step).with_context(|| format!("run it by hand to see why: {by_hand}"))?;
    }
    std::fs::write(&mark, pins).with_context(|| format!("cannot write {}", mark.display()))?;
    println!("setup: they are in {}", venv.display());
    Ok(())
}
