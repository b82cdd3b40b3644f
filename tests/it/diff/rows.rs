//! The table of false and hidden differences names tests that are there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::cases;

pub fn trials() -> Vec<Trial> {
    vec![cases::code("diff", "every_row_has_its_tests", every_row_has_its_tests)]
}

fn every_row_has_its_tests() -> Result<(), Failed> {
    let listed = Command::new(std::env::current_exe()?).arg("--list").output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diff/README.md");
    let table = std::fs::read_to_string(file)?;
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    let named = |row: &str| {
        row.rsplit('|')
            .nth(1)
            .unwrap_or_default()
            .split('`')
            .map(str::to_owned)
            .filter(|it| it.contains("::"))
            .collect::<Vec<_>>()
    };
    let bare = rows.iter().find(|row| named(row).is_empty());
    let missing: Vec<String> =
        rows.iter().flat_map(|row| named(row)).filter(|name| !tests.contains(name.as_str())).collect();
    match (rows.len(), bare, missing.as_slice()) {
        (0, _, _) => Err("the table has no rows".into()),
        (_, Some(row), _) => Err(format!("no test for {row}").into()),
        (_, None, []) => Ok(()),
        (_, None, missing) => Err(format!("no such tests: {missing:?}").into()),
    }
}
