//! The tables of what is tested name tests that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::cases;

/// The tables: what a row says is shown by the tests that its last column names. A test beside the code is named by its
/// file and its function.
const TABLES: [&str; 8] = [
    "diff/README.md",
    "diff/ladder.md",
    "health/README.md",
    "merge/README.md",
    "immutable/README.md",
    "plan/README.md",
    "secrets/README.md",
    "../../docs/apply.md",
];

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("rows", "each_names_its_tests", each_names_its_tests),
        cases::code("rows", "each_fixed_field_has_a_row", each_fixed_field_has_a_row),
    ]
}

fn table(file: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file))?)
}

/// The rows of the tables whose last column are tests, without their heads.
fn rows(table: &str) -> impl Iterator<Item = &str> {
    let mut of_tests = false;
    table.lines().filter(move |line| {
        let head = line.ends_with("| tests |");
        of_tests = head || (of_tests && line.starts_with('|'));
        of_tests && !head && !line.starts_with("| ---")
    })
}

/// The tests in the last column of a row.
fn named(row: &str) -> Vec<&str> {
    row.rsplit('|').nth(1).unwrap_or_default().split('`').filter(|it| it.contains("::")).collect()
}

fn each_names_its_tests() -> Result<(), Failed> {
    let listed = Command::new(std::env::current_exe()?).arg("--list").output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let mut wrong = Vec::new();
    for file in TABLES {
        let table = table(file)?;
        if rows(&table).next().is_none() {
            wrong.push(format!("{file} has no rows"));
        }
        wrong.extend(rows(&table).filter(|row| named(row).is_empty()).map(|row| format!("{file}: no test for {row}")));
        let missing = rows(&table).flat_map(named).filter(|name| !tests.contains(name) && !is_beside_code(name));
        wrong.extend(missing.map(|name| format!("{file}: no such test: {name}")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Whether a name is one of a test beside the code, such as `src/a.rs::b`.
fn is_beside_code(name: &str) -> bool {
    let Some((file, function)) = name.split_once("::") else { return false };
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
    text.contains(&format!("#[test]\n    fn {function}(")) || text.contains(&format!("#[test]\nfn {function}("))
}

/// Each row of the table of fixed fields is in the table of tests, which names objects of the case.
fn each_fixed_field_has_a_row() -> Result<(), Failed> {
    let table = table("immutable/README.md")?;
    let cells: Vec<Vec<&str>> = rows(&table).map(|row| row.split('|').map(str::trim).collect()).collect();
    let fields =
        include_str!("../../crates/stages/src/plan/immutable.txt").lines().filter(|line| !line.starts_with('#'));
    let mut wrong = Vec::new();
    for field in fields {
        let (kind, rest) = field.split_once(' ').ok_or("a kind and a field")?;
        let (kind, field) = (format!("`{kind}`"), format!("`{}`", rest.trim()));
        let Some(cells) = cells.iter().find(|cells| cells[1] == kind && cells[2] == field) else {
            wrong.push(format!("no row for {kind} {field}"));
            continue;
        };
        let (objects, case) = (cells[3], cells[4].trim_matches('`').rsplit("::").next().unwrap_or_default());
        let there = self::table(&format!("immutable/{case}/objects.yaml"))?;
        let named = objects.split('`').filter(|it| !it.trim().is_empty());
        let missing = named.filter(|name| !there.contains(&format!("- name: {name}\n")));
        wrong.extend(missing.map(|name| format!("{kind} {field}: {case} has no `{name}`")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
