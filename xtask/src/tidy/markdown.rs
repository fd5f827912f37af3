//! What the Markdown names must exist: paths, crates, commands, environment variables.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::contract::is_number;
use crate::clauses;
use crate::commands;
use crate::docs::GENERATED;
use crate::metadata::Package;
use crate::shell::{read, root, tracked};

/// The top folders: inline code that begins with one of them is a path.
const FOLDERS: [&str; 7] =
    ["crates/", "conformance/", "xtask/", "docs/", ".ci/", ".cargo/", "fixtures/"];

/// A line that says so names what does not exist yet.
const PLANNED: &str = "planned";

/// What Markdown may name.
struct Known {
    crates: BTreeSet<String>,
    xtask: BTreeSet<String>,
    cli: BTreeSet<String>,
    variables: BTreeSet<String>,
    clauses: BTreeSet<String>,
}

pub(crate) fn check(members: &[Package]) -> Result<Vec<String>> {
    let known = Known {
        crates: members.iter().map(|package| package.name.clone()).collect(),
        xtask: commands::names().map(str::to_owned).collect(),
        cli: cli_commands()?,
        variables: variables()?,
        clauses: clauses::in_core()?.into_iter().map(|clause| clause.id).collect(),
    };
    let mut problems = Vec::new();
    for file in tracked("md")? {
        let text = read(&root().join(&file))?;
        let mut fence: Option<&str> = None;
        for (number, line) in text.lines().enumerate() {
            if let Some(info) = line.trim_start().strip_prefix("```") {
                fence = if fence.is_none() { Some(info) } else { None };
                continue;
            }
            let wrong = match fence {
                Some("sh" | "console") => code(line, &known),
                // what the program prints of itself is true, and names more than literals in the code
                None if text.starts_with(GENERATED) => dead_links(&file, line),
                Some(_) => Vec::new(),
                None => prose(&file, line, &known),
            };
            problems.extend(wrong.into_iter().map(|what| format!("{file}:{}: {what}", number + 1)));
        }
    }
    Ok(problems)
}

/// What objects and sealed values carry: names that look like crates.
const IN_OBJECTS: [&str; 4] =
    ["certstore-stamp", "certstore-stamp1", "certstore-fence", "certstore-seal-1"];

/// A line of a shell: only commands are looked at.
fn code(line: &str, known: &Known) -> Vec<String> {
    let line = line.trim_start().trim_start_matches("$ ").trim_end_matches('\\').trim_end();
    command(line, known).into_iter().collect()
}

fn prose(file: &str, line: &str, known: &Known) -> Vec<String> {
    let mut wrong: Vec<String> =
        links(line).into_iter().filter_map(|target| link(file, target)).collect();
    wrong.extend(clause_numbers(line, known));
    if line.contains(PLANNED) {
        return wrong;
    }
    for word in line.split('`').skip(1).step_by(2) {
        wrong.extend(path(word));
        wrong.extend(command(word, known));
        let names_crate = word.starts_with("certstore-")
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if names_crate && !known.crates.contains(word) && !IN_OBJECTS.contains(&word) {
            wrong.push(format!("there is no crate {word}"));
        }
        let variable = word.split(['=', ' ']).next().unwrap_or(word);
        if variable.starts_with("CERTSTORE_") && !known.variables.contains(variable) {
            wrong.push(format!("no code reads {variable}"));
        }
    }
    wrong
}

fn dead_links(file: &str, line: &str) -> Vec<String> {
    links(line).into_iter().filter_map(|target| link(file, target)).collect()
}

/// `STORE-99` is no clause; `SHA-256` is something else.
fn clause_numbers(line: &str, known: &Known) -> Vec<String> {
    let words = line
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| is_number(word));
    let topic = |word: &str| word.split('-').next().map(|topic| format!("{topic}-1"));
    words
        .filter(|word| topic(word).is_some_and(|first| known.clauses.contains(&first)))
        .filter(|word| !known.clauses.contains(*word))
        .map(|word| format!("there is no clause {word}"))
        .collect()
}

/// The targets of the links in a line.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

fn link(file: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or(target);
    let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
    // in a README that is a crate's documentation, a link may be an item
    let item = target.contains("::") || !target.contains(['/', '.']);
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    (!elsewhere && !item && !root().join(folder).join(target).exists())
        .then(|| format!("the link leads nowhere: {target}"))
}

fn path(word: &str) -> Option<String> {
    let placeholder =
        |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_path = FOLDERS.iter().any(|folder| word.starts_with(folder))
        && !word.contains(['*', '<', '$', ' ', '~'])
        && !word.split(['/', '-', '.']).any(placeholder);
    if !is_path {
        return None;
    }
    // `path::test` names a test in a file
    let (word, test) =
        word.split_once("::").map_or((word, None), |(file, test)| (file, Some(test)));
    if let Some(path) = braces(word).into_iter().find(|path| !root().join(path).exists()) {
        return Some(format!("there is no {path}"));
    }
    let test = test.and_then(|path| path.rsplit("::").next())?;
    let there = read(&root().join(word)).is_ok_and(|text| text.contains(&format!("fn {test}(")));
    (!there).then(|| format!("{word} has no function {test}"))
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn braces(word: &str) -> Vec<String> {
    match (word.find('{'), word.find('}')) {
        (Some(open), Some(close)) if open < close => {
            let (before, after) = (&word[..open], &word[close + 1..]);
            word[open + 1..close]
                .split(',')
                .map(|middle| format!("{before}{middle}{after}"))
                .collect()
        }
        _ => vec![word.to_owned()],
    }
}

fn command(line: &str, known: &Known) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().skip_while(is_assignment).collect();
    match words.as_slice() {
        ["cargo", "xtask", name, ..] if is_name(name) && !known.xtask.contains(*name) => {
            Some(format!("there is no cargo xtask {name}"))
        }
        ["cargo", rest @ ..] => cargo(rest, known),
        ["certstore", rest @ ..] => certstore(rest, known),
        _ => None,
    }
}

/// `-p CRATE` must be a member, `--test NAME` a file of it.
fn cargo(words: &[&str], known: &Known) -> Option<String> {
    let after = |option: &[&str]| {
        let at = words.iter().position(|word| option.contains(word))?;
        words.get(at + 1).copied()
    };
    let package = after(&["-p", "--package"])?;
    if !known.crates.contains(package) && is_name(package) {
        return Some(format!("there is no crate {package}"));
    }
    let test = after(&["--test"])?;
    let folder = if package == "certstore-conformance" {
        "conformance".into()
    } else {
        format!("crates/{package}")
    };
    let there = [format!("{folder}/tests/{test}.rs"), format!("{folder}/tests/{test}/main.rs")];
    (!there.iter().any(|file| root().join(file).is_file()))
        .then(|| format!("{package} has no test {test}"))
}

fn certstore(words: &[&str], known: &Known) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if ["--storage", "--config"].contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            let name = word.trim_end_matches([',', '.', ';', ':']);
            return (is_name(name) && !known.cli.contains(name))
                .then(|| format!("there is no certstore {name}"));
        }
    }
    None
}

fn is_assignment(word: &&str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

/// Placeholders are in capitals.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The commands that docs/cli.md describes; `docs --check` keeps that page equal to the program.
fn cli_commands() -> Result<BTreeSet<String>> {
    let page = root().join("docs/cli.md");
    if !page.is_file() {
        return Ok(BTreeSet::new());
    }
    let text = read(&page)?;
    let named = text.lines().filter_map(|line| line.strip_prefix("## certstore "));
    Ok(named.map(str::to_owned).chain(["help".to_owned()]).collect())
}

/// The environment variables of this project that its code names.
fn variables() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for file in tracked("rs")? {
        let text = read(&root().join(&file))?;
        for (at, _) in text.match_indices("CERTSTORE_") {
            let name = text[at..]
                .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
                .next()
                .unwrap_or_default();
            found.insert(name.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
