//! Every backend crate has the same files: who knows one knows all.

use anyhow::Result;

use super::edges::is_backend;
use crate::metadata::Package;
use crate::shell::{read, root};

const FILES: [&str; 6] = [
    "src/lib.rs",
    "src/config.rs",
    "src/storage.rs",
    "src/error.rs",
    "tests/conformance.rs",
    "README.md",
];

pub(crate) fn check(members: &[Package]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in members {
        let folder = root().join(&package.folder);
        if package.publish && !folder.join("README.md").is_file() {
            problems.push(format!("{}: a crate that is published has a README.md", package.folder));
        }
        if !is_backend(&package.name) {
            continue;
        }
        let missing = FILES.iter().filter(|file| !folder.join(file).is_file());
        problems.extend(
            missing
                .map(|file| format!("{}/{file} is missing; every backend has it", package.folder)),
        );
        let suite = folder.join("tests/conformance.rs");
        if suite.is_file() && !read(&suite)?.contains("conformance!(") {
            problems.push(format!(
                "{}/tests/conformance.rs does not call conformance!",
                package.folder
            ));
        }
    }
    Ok(problems)
}
