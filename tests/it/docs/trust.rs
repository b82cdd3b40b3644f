//! Each promise of the page about trust names a test that there is.

use std::fs;
use std::path::Path;

use libtest_mimic::Failed;
use regex::Regex;

use crate::markdown;

/// The rows of the page whose last cell names no test of the sources.
pub fn promises_name_tests() -> Result<(), Failed> {
    let page = markdown::read("docs/trust.md");
    let mut sources = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut sources)?;
    let rows =
        page.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |") && !line.contains("---"));
    let pattern = Regex::new(r"\| `([a-z]+)::([a-z0-9_]+)` \|$")?;
    let (mut count, mut wrong) = (0, Vec::new());
    for row in rows {
        count += 1;
        let named = pattern.captures(row);
        let there = named.is_some_and(|it| {
            let registered = format!("code\\(\\s*\"{}\",\\s*\"{}\"", &it[1], &it[2]);
            Regex::new(&registered).is_ok_and(|it| it.is_match(&sources))
        });
        if !there {
            wrong.push(row.to_owned());
        }
    }
    assert!(count > 5, "the page has no promises");
    if wrong.is_empty() { Ok(()) } else { Err(format!("no such test:\n{}", wrong.join("\n")).into()) }
}

fn collect(folder: &Path, sources: &mut String) -> Result<(), Failed> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            sources.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
