//! Sizes of files and functions: reported, and a limit for files.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::Visit;

use crate::shell::{read, root, tracked};

const MAX_FILE: usize = 600;
const LONG_FUNCTION: usize = 60;

/// Lengths in lines of one crate's files and functions, tests aside.
#[derive(Default)]
struct Sizes {
    files: Vec<usize>,
    functions: Vec<usize>,
}

pub(crate) fn check() -> Result<Vec<String>> {
    let mut crates: BTreeMap<String, Sizes> = BTreeMap::new();
    let (mut problems, mut long) = (Vec::new(), Vec::new());
    for file in tracked("rs")? {
        let text = read(&root().join(&file))?;
        let lines = text.lines().count();
        if lines > MAX_FILE {
            problems.push(format!("{file}: {lines} lines, the limit is {MAX_FILE}"));
        }
        if is_test(&file) {
            continue;
        }
        if !text.starts_with("//!") && !text.starts_with("#![doc") {
            problems.push(format!("{file}: begins without a line //! that says what it is for"));
        }
        let functions = functions(&text).with_context(|| format!("cannot parse {file}"))?;
        long.extend(functions.iter().filter(|(_, _, length)| *length > LONG_FUNCTION).map(
            |(line, name, length)| format!("sizes: {file}:{line}: fn {name} has {length} lines"),
        ));
        let sizes = crates.entry(crate_of(&file)).or_default();
        sizes.files.push(lines);
        sizes.functions.extend(functions.iter().map(|(_, _, length)| *length));
    }
    report(&mut crates, &long);
    Ok(problems)
}

fn report(crates: &mut BTreeMap<String, Sizes>, long: &[String]) {
    println!("sizes: lines, tests aside    files median    max | functions median p90 max");
    for (name, sizes) in crates {
        let (files, functions) = (&mut sizes.files, &mut sizes.functions);
        println!(
            "sizes: {name:<25} {:>6} {:>6} {:>6} | {:>9} {:>6} {:>3} {:>3}",
            files.len(),
            quantile(files, 50),
            quantile(files, 100),
            functions.len(),
            quantile(functions, 50),
            quantile(functions, 90),
            quantile(functions, 100),
        );
    }
    for line in long {
        println!("{line}");
    }
}

fn is_test(file: &str) -> bool {
    file.contains("/tests/")
        || file.ends_with("_tests.rs")
        || file.ends_with("/tests.rs")
        || file.contains("/templates/")
}

fn crate_of(file: &str) -> String {
    let folders: Vec<&str> = file.split('/').collect();
    if folders[0] == "crates" { folders[..2].join("/") } else { folders[0].to_owned() }
}

fn quantile(lengths: &mut [usize], percent: usize) -> usize {
    lengths.sort_unstable();
    let last = lengths.len().saturating_sub(1);
    lengths.get(last * percent / 100).copied().unwrap_or(0)
}

/// Line, name and length of each function, `#[cfg(test)]` modules aside.
fn functions(text: &str) -> Result<Vec<(usize, String, usize)>> {
    let mut lengths = Lengths(Vec::new());
    lengths.visit_file(&syn::parse_file(text)?);
    Ok(lengths.0)
}

struct Lengths(Vec<(usize, String, usize)>);

impl Lengths {
    fn take(&mut self, signature: &syn::Signature, end: proc_macro2::Span) {
        let start = signature.span().start().line;
        self.0.push((start, signature.ident.to_string(), end.end().line + 1 - start));
    }
}

impl<'ast> Visit<'ast> for Lengths {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.take(&item.sig, item.block.span());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.take(&item.sig, item.block.span());
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.take(&item.sig, block.span());
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let only_tests = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !only_tests {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

#[cfg(test)]
#[path = "sizes_tests.rs"]
mod tests;
