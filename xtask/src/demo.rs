//! `cargo xtask demo`: the main job on the files backend, with the program itself.

use std::process::Command;

use anyhow::Result;

use crate::programs;
use crate::shell::{file_url, run, target_dir};

const NAME: &str = "example.test";
const FOLDER: &str = "certificates/local/example.test";

/// Stores a certificate and its key, lists them, takes a lock, and shows the inventory.
pub(crate) fn demo() -> Result<()> {
    let made = target_dir().join("demo");
    let store = made.join("store");
    if made.exists() {
        std::fs::remove_dir_all(&made)?;
    }
    std::fs::create_dir_all(&made)?;
    let url = file_url(&store);
    println!("demo: building the program, some minutes the first time; nothing is installed");
    let mut certificate = programs::demo_certificate()?;
    println!("demo: a certificate for {NAME}, self-signed, and its key, in {}", made.display());
    run(certificate.arg(&made).arg(NAME))?;
    println!("demo: kept in {}, laid out as CertMagic and Caddy do\n", store.display());
    for file in ["key", "crt", "json"].map(|kind| format!("{NAME}.{kind}")) {
        certstore(
            &url,
            &["put", &format!("{FOLDER}/{file}"), &made.join(&file).to_string_lossy()],
        )?;
    }
    certstore(&url, &["ls", "-r", "-l"])?;
    let holder = "echo \"held, with fencing token $CERTSTORE_LOCK_TOKEN\"";
    certstore(&url, &["lock", &format!("issue_cert_{NAME}"), "--", "sh", "-c", holder])?;
    certstore(&url, &["certs"])?;
    certstore(&url, &["verify"])
}

fn certstore(url: &str, arguments: &[&str]) -> Result<()> {
    let mut command: Command = programs::certstore()?;
    command.args(["--storage", url]).args(arguments);
    let quoted = arguments
        .iter()
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
    println!("$ certstore --storage {url} {}", quoted.collect::<Vec<_>>().join(" "));
    run(&mut command)?;
    println!();
    Ok(())
}
