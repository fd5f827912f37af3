//! The project speaks of itself alone.

use anyhow::Result;

use crate::shell::{root, tracked};

/// Pieces, so that this file does not find itself.
const FOREIGN: [(&str, &str); 4] =
    [("shared", "/reference"), ("shared", "/design"), ("shared", "/data"), ("/wo", "rk/")];

pub(crate) fn check() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in tracked("")? {
        // what is no text names nothing
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let found = FOREIGN
                .iter()
                .map(|(one, other)| format!("{one}{other}"))
                .find(|word| line.contains(word));
            if let Some(word) = found {
                problems.push(format!(
                    "{file}:{}: names {word}, which is no part of this tree",
                    number + 1
                ));
            }
        }
    }
    Ok(problems)
}
