//! Tests of `docs`: what the documents state is held against the program.

mod operator;
mod rights;
mod templates;
mod trust;

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use regex::Regex;
use weft::diagnostic::Diagnostic;
use weft::project;
use weft::tree::Tree;

use crate::cases::code;
use crate::machine::{Machine, seen};
use crate::markdown::{self, Block, blocks, rows};

/// The head of a table of keys.
const KEYS: [&str; 4] = ["key", "type", "default", "meaning"];

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        code("docs", "environments_load", environments_load),
        code("docs", "every_key_is_documented", every_key_is_documented),
        code("docs", "every_mark_of_other_tools_is_documented", every_mark_is_documented),
        code("docs", "from_nothing_to_a_secret_in_a_release", from_nothing_to_a_secret_in_a_release),
        code("docs", "every_promise_of_trust_names_a_test", trust::promises_name_tests),
        code("docs", "a_new_secret_needs_a_rule_first", a_new_secret_needs_a_rule_first),
    ];
    trials.extend(operator::trials());
    trials.extend(rights::trials());
    trials.extend(templates::trials());
    trials
}

/// The page about applying names each mark that the table of the program knows by name.
fn every_mark_is_documented() -> Result<(), Failed> {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/stages/src/plan/neighbours.tsv"))?;
    let page = markdown::read("docs/apply.md");
    let keys = table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next());
    // What begins with a name that is there belongs to it, and what a tool only notes is nothing to say.
    let noted = ["app", "association", "identity", "original*", "disable-*"].map(|key| format!("kapp.k14s.io/{key}"));
    let missing: BTreeSet<&str> = keys
        .filter(|key| !key.ends_with("/*") && !key.ends_with("/hook-*") && !noted.contains(&(*key).to_owned()))
        .filter(|key| !page.contains(&format!("`{}`", key.trim_end_matches('*'))))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("docs/apply.md does not name {missing:?}").into()) }
}

/// The files of the document are a project whose environments load; so does each block that is one on its own.
fn environments_load() -> Result<(), Failed> {
    let blocks = blocks(&markdown::read("docs/environments.md"));
    let path = |block: &Block| {
        let path = block.info.strip_prefix("yaml ")?;
        path.contains('/').then(|| path.to_owned())
    };
    let files: Vec<(String, String)> = blocks.iter().filter_map(|it| Some((path(it)?, it.text.clone()))).collect();
    let load = |name: &str, more: Option<(String, String)>| {
        let files = files.iter().cloned().chain(more).map(|(path, text)| (path, text.into_bytes()));
        project::load(&Tree::new(files), name).map_err(|error| format!("{name}: {}", Diagnostic::of(&error)))
    };
    let production = load("production", None)?;
    let names: Vec<&str> = production.releases.iter().map(|release| &*release.name).collect();
    assert_eq!(names, ["database", "shop", "shop-cache"]);
    assert_eq!(production.lineage, ["defaults", "staging", "production"]);
    load("staging", None)?;
    let charts = markdown::blocks(&markdown::read("docs/charts.md"));
    let alone = blocks.iter().chain(&charts).filter(|block| block.info == "yaml environment");
    let mut count = 0;
    for block in alone {
        load("example", Some(("environments/example/environment.yaml".into(), block.text.clone())))?;
        count += 1;
    }
    assert!(count > 3, "the examples are found");
    Ok(())
}

/// The tables name exactly the keys that the files may have.
#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn every_key_is_documented() -> Result<(), Failed> {
    let spec = markdown::read("crates/stages/src/project/spec.rs");
    let field = Regex::new(r#"(?:rename = "(\w+)"\)\]\s*)?pub (\w+): "#).expect("a pattern");
    let key = |found: regex::Captures| match found.get(1) {
        Some(renamed) => renamed.as_str().to_owned(),
        None => camel(&found[2]),
    };
    let mut known: BTreeSet<String> = field.captures_iter(&spec).map(key).collect();
    // Said in words below the tables.
    known.retain(|key| !["environment", "key"].contains(&key.as_str()));
    let rows = rows(&markdown::read("docs/environments.md"), &KEYS);
    let documented: BTreeSet<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(documented, known);
    Ok(())
}

/// The acts are run in their order, on a machine on which nothing is; the rules are ones.
fn from_nothing_to_a_secret_in_a_release() -> Result<(), Failed> {
    let blocks = blocks(&markdown::read("docs/secrets.md"));
    let rules = blocks.iter().find(|block| block.info == "yaml .sops.yaml").ok_or("no rules")?;
    weft::secrets::rules(&rules.text, &Arc::new(".sops.yaml".to_owned()))?.rule_for("secrets/production/shop.yaml")?;
    Machine::new()?.run_blocks(&blocks.iter().collect::<Vec<_>>())
}

/// No editor is opened for a file that could not be encrypted afterwards.
fn a_new_secret_needs_a_rule_first() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let output = machine.weft(&["secrets", "edit", "secrets/nowhere/x.yaml"]).env("EDITOR", "echo opened").output()?;
    let text = seen(&output);
    assert!(text.starts_with("error: no rule of `.sops.yaml` is for `secrets/nowhere/x.yaml`"), "{text}");
    assert!(!text.contains("opened") && output.status.code() == Some(1), "{text}");
    Ok(())
}

/// `stateNamespace` for `state_namespace`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
}
