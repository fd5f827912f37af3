//! The files that a Markdown page tells its reader to write.

/// A code block whose fence names a file: ` ```rust file=src/lib.rs `.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// The blocks that name a file, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut inside = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), _) if inside => {
                inside = false;
                found.extend(open.take());
            }
            (Some(info), _) => {
                inside = true;
                let file = info.split_whitespace().find_map(|word| word.strip_prefix("file="));
                open = file.map(|file| Block { file: file.to_owned(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
#[path = "blocks_tests.rs"]
mod tests;
