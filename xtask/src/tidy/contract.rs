//! Every clause has one case, every case one clause, and every method of the contract says what it must.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use syn::visit::Visit;

use crate::clauses::{self, Clause};
use crate::shell::{read, root};

const CASES: &str = "conformance/src/clauses.rs";
const TRAITS: [&str; 2] =
    ["crates/certstore-core/src/storage.rs", "crates/certstore-core/src/locker.rs"];

pub(crate) fn check() -> Result<Vec<String>> {
    let mut problems = compare(&clauses::in_core()?, &cases()?);
    for file in TRAITS {
        for item in
            clauses::documented(file)?.iter().filter(|item| item.fallible_async_trait_method)
        {
            let lacking = ["# Errors", "# Cancel safety", "```"]
                .into_iter()
                .filter(|part| !item.docs.iter().any(|line| line.starts_with(part)));
            problems.extend(
                lacking.map(|part| format!("{file}: the docs of {} have no {part}", item.name)),
            );
        }
    }
    Ok(problems)
}

fn compare(clauses: &[Clause], cases: &BTreeMap<String, usize>) -> Vec<String> {
    let mut stated: BTreeMap<&str, usize> = BTreeMap::new();
    for clause in clauses {
        *stated.entry(&clause.id).or_default() += 1;
    }
    let twice = stated.iter().filter(|(_, count)| **count > 1);
    let mut problems: Vec<String> =
        twice.map(|(id, _)| format!("{id} is stated twice in certstore-core")).collect();
    let without_case = clauses.iter().filter(|clause| !cases.contains_key(&clause.id));
    problems.extend(
        without_case.map(|clause| format!("{}: {} has no case in {CASES}", clause.file, clause.id)),
    );
    for (id, count) in cases {
        if !stated.contains_key(id.as_str()) {
            problems.push(format!("{CASES}: {id} is no clause of certstore-core"));
        }
        if *count > 1 {
            problems.push(format!("{CASES}: {id} stands there {count} times"));
        }
    }
    problems
}

/// The numbers in the table of cases, with how often each stands there.
pub(crate) fn cases() -> Result<BTreeMap<String, usize>> {
    let syntax = syn::parse_file(&read(&root().join(CASES))?)
        .with_context(|| format!("cannot parse {CASES}"))?;
    let mut numbers = Numbers::default();
    numbers.visit_file(&syntax);
    Ok(numbers.0)
}

/// Counts the string literals that are clause numbers.
#[derive(Default)]
struct Numbers(BTreeMap<String, usize>);

impl<'ast> Visit<'ast> for Numbers {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        if is_number(&literal.value()) {
            *self.0.entry(literal.value()).or_default() += 1;
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    /// The table may be written as the arguments of a macro.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

impl Numbers {
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => self.tokens(group.stream()),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.visit_lit_str(&text);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether a text is a clause number, such as `STORE-1`.
pub(crate) fn is_number(text: &str) -> bool {
    text.split_once('-').is_some_and(|(word, number)| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.parse::<u32>().is_ok_and(|number| number > 0)
    })
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
