//! The parts of a Markdown text that tests hold against the program: fenced blocks, tables and links.

use std::path::{Path, PathBuf};

use regex::Regex;

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The title of the section that it stands in.
    pub section: String,
    /// What stands behind its opening fence: the language, and what a test has to know.
    pub info: String,
    /// Its lines.
    pub text: String,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of the repository, by path: the README, those in `docs`, and those of the charts.
pub fn documents() -> Vec<PathBuf> {
    let listed = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("a readable folder");
        entries.map(|entry| entry.expect("a readable folder").path()).collect::<Vec<_>>()
    };
    let mut all = listed(&root().join("docs"));
    all.extend(listed(&root().join("charts")).into_iter().map(|chart| chart.join("README.md")));
    all.push(root().join("README.md"));
    all.retain(|path| path.extension().is_some_and(|ending| ending == "md") && path.exists());
    all.sort();
    all
}

/// The fenced blocks of a text, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut section, mut open) = (String::new(), false);
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                open = true;
                blocks.push(Block { section: section.clone(), info: info.to_owned(), text: String::new() });
            }
            None if open => {
                let block = blocks.last_mut().expect("an open block");
                block.text += line;
                block.text.push('\n');
            }
            None if line.starts_with('#') => line.trim_start_matches('#').trim().clone_into(&mut section),
            None => {}
        }
    }
    assert!(!open, "a block is not closed");
    blocks
}

/// The rows of all tables that have this head, each as its cells. `\|` stands for a bar within a cell.
pub fn rows(text: &str, head: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?.replace(r"\|", "\u{0}");
        Some(inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect())
    };
    let mut rows = Vec::new();
    let mut within = false;
    for line in text.lines() {
        match cells(line) {
            Some(row) if row == head => within = true,
            Some(row) if within && !row.iter().all(|cell| cell.trim_matches('-').is_empty()) => rows.push(row),
            Some(_) => {}
            None => within = false,
        }
    }
    rows
}

/// Where the links of a text lead that do not leave the repository, without the place within a file.
pub fn links(text: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let targets = link.captures_iter(text).map(|found| found[1].split('#').next().unwrap_or_default().to_owned());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}
