//! docs/contract.md: the clauses, from the docs of `certstore-core`.

use std::fmt::Write as _;

use anyhow::Result;

use crate::clauses;

const INTRODUCTION: &str = "\
# The contract

One answer per question. Each clause is a sentence of the documentation of `certstore-core` and has one case of the same
number in the conformance suite. What a backend cannot do, it declares in its `Capabilities`; the table of what each
backend was seen to do is in [backends.md](backends.md).
";

pub(super) fn page() -> Result<String> {
    let mut page = INTRODUCTION.to_owned();
    let mut item = String::new();
    for clause in clauses::in_core()? {
        if clause.item != item {
            let source = clause.file.rsplit('/').next().unwrap_or_default();
            write!(
                page,
                "\n## `{}`\n\nStated in [{source}](../{}).\n\n",
                clause.item, clause.file
            )?;
            item.clone_from(&clause.item);
        }
        writeln!(page, "* **{}** {}", clause.id, clause.text)?;
    }
    Ok(page)
}
