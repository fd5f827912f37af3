//! The numbered clauses of the contract, as the docs of `certstore-core` state them.

use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::Visit;

use crate::shell::{read, root, tracked};

const CORE: &str = "crates/certstore-core/src/";

/// One sentence of the contract.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    /// Such as `STORE-1`.
    pub(crate) id: String,
    /// The sentence, as Markdown without links.
    pub(crate) text: String,
    /// The item whose docs state it: `Storage::store`.
    pub(crate) item: String,
    /// Where, relative to the root.
    pub(crate) file: String,
}

/// A documented item of a file.
#[derive(Debug, Clone)]
pub(crate) struct Documented {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// A method of a trait that is async and gives a `Result`.
    pub(crate) fallible_async_trait_method: bool,
}

/// The clauses in the order in which the contract is read.
pub(crate) fn in_core() -> Result<Vec<Clause>> {
    let mut files: Vec<String> =
        tracked("rs")?.into_iter().filter(|file| file.starts_with(CORE)).collect();
    files.sort_by_key(|file| (reading_order(file), file.clone()));
    let mut clauses = Vec::new();
    for file in files {
        for item in documented(&file)? {
            let stated = stated(&item.docs);
            clauses.extend(stated.into_iter().map(|(id, text)| Clause {
                id,
                text,
                item: item.name.clone(),
                file: file.clone(),
            }));
        }
    }
    Ok(clauses)
}

fn reading_order(file: &str) -> usize {
    const ORDER: [&str; 8] =
        ["key", "storage", "locker", "lock", "info", "capabilities", "error", "secret"];
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    ORDER.iter().position(|name| *name == stem).unwrap_or(ORDER.len())
}

/// The documented items of a Rust file, from top to bottom.
pub(crate) fn documented(file: &str) -> Result<Vec<Documented>> {
    let syntax = syn::parse_file(&read(&root().join(file))?)
        .with_context(|| format!("cannot parse {file}"))?;
    let mut reader = Reader::default();
    reader.visit_file(&syntax);
    Ok(reader.items)
}

#[derive(Default)]
struct Reader {
    owner: Option<String>,
    items: Vec<Documented>,
}

impl Reader {
    fn take(
        &mut self,
        name: &str,
        attributes: &[syn::Attribute],
        fallible_async_trait_method: bool,
    ) {
        let name = match &self.owner {
            Some(owner) => format!("{owner}::{name}"),
            None => name.to_owned(),
        };
        self.items.push(Documented {
            name,
            docs: doc_lines(attributes),
            fallible_async_trait_method,
        });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.take(&item.ident.to_string(), &item.attrs, false);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.take(&item.ident.to_string(), &item.attrs, false);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.take(&item.sig.ident.to_string(), &item.attrs, false);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.take(&item.ident.to_string(), &item.attrs, false);
        let outer = self.owner.replace(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.owner = outer;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let fallible = match &item.sig.output {
            syn::ReturnType::Default => false,
            syn::ReturnType::Type(_, of) => matches!(&**of, syn::Type::Path(path)
                if path.path.segments.last().is_some_and(|last| last.ident == "Result")),
        };
        self.take(
            &item.sig.ident.to_string(),
            &item.attrs,
            fallible && item.sig.asyncness.is_some(),
        );
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, name);
        syn::visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.take(&item.sig.ident.to_string(), &item.attrs, false);
    }
}

fn doc_lines(attributes: &[syn::Attribute]) -> Vec<String> {
    let text = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
            ..
        }) if path.is_ident("doc") => Some(text.value()),
        _ => None,
    };
    attributes
        .iter()
        .filter_map(text)
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned())
        .collect()
}

/// The clauses among lines of docs: a bullet that begins with a bold bracketed number, and its indented lines.
fn stated(docs: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in docs {
        if let Some((id, text)) =
            line.strip_prefix("* **\\[").and_then(|rest| rest.split_once("\\]**"))
        {
            found.push((id.to_owned(), text.trim().to_owned()));
            open = true;
        } else if let (true, Some(more), Some((_, text))) =
            (open, line.strip_prefix("  "), found.last_mut())
        {
            text.push(' ');
            text.push_str(more.trim());
        } else {
            open = false;
        }
    }
    found.into_iter().map(|(id, text)| (id, without_links(&text))).collect()
}

/// Rustdoc's links lead nowhere outside rustdoc: `[text](target)` and `[text]` become the text.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let (before, link) = rest.split_at(start);
        let Some(end) = link.find(']') else { break };
        plain.push_str(before);
        plain.push_str(&link[1..end]);
        rest = &link[end + 1..];
        if let Some(target) = rest.strip_prefix('(').and_then(|target| target.split_once(')')) {
            rest = target.1;
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
#[path = "clauses_tests.rs"]
mod tests;
