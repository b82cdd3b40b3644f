//! `docs/operator.md`: its steps are run, and its tables are held against the program.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use regex::Regex;
use serde_json::Value as Json;
use weft::operator::{self, Metrics, OPERATOR, SOURCE, TARGET};
use weft::telemetry;

use crate::cases::{self, code};
use crate::machine::Machine;
use crate::markdown::{self, Block, blocks, rows};

/// The section whose blocks are run.
const STEPS: &str = "Try it";

const PAGE: &str = "docs/operator.md";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("docs", "operator_steps", steps),
        code("docs", "operator_rights", rights),
        code("docs", "operator_reasons_fields_and_metrics", names),
        code("docs", "operator_chart_values", values),
        code("docs", "operator_image", image),
    ]
}

/// A new user gets from nothing to a copy that follows its source.
fn steps() -> Result<(), Failed> {
    let page = blocks(&markdown::read(PAGE));
    let steps: Vec<&Block> = page.iter().filter(|block| block.section == STEPS).collect();
    let machine = Machine::with_sandboxes()?;
    machine.run_blocks(&steps)?;
    machine.is_quiet()
}

/// The tables of rights are those of the program, which the chart is held to as well.
#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn rights() -> Result<(), Failed> {
    let page = markdown::read(PAGE);
    let dotted = |group: &str| if group.is_empty() { String::new() } else { format!(".{group}") };
    let line = |it: &operator::NeededRight| format!("`{} {}{}`", it.verbs.join(", "), it.resource, dotted(it.group));
    let expected: Vec<String> = OPERATOR.iter().map(line).collect();
    let found: Vec<String> =
        rows(&page, &["right", "default", "strict", "why"]).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected.iter().collect::<BTreeSet<_>>());
    let accounts = rows(&page, &["where", "resource", "verbs"]);
    for (row, needed) in accounts.iter().zip([SOURCE, TARGET]) {
        let verbs: Vec<String> = needed[0].verbs.iter().map(|verb| format!("`{verb}`")).collect();
        assert_eq!(row[2], verbs.join(", "));
    }
    assert_eq!(accounts.len(), 2);
    Ok(())
}

/// Every reason, every field and every metric that there is has its place on the page.
fn names() -> Result<(), Failed> {
    let page = markdown::read(PAGE);
    let definition = serde_json::to_value(operator::crd()?)?;
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    let reasons = &schema["status"]["properties"]["failedTargets"]["items"]["properties"]["reason"]["enum"];
    let reasons = reasons.as_array().ok_or("reasons")?.iter().filter_map(Json::as_str).map(str::to_owned);
    let fields = schema["spec"]["properties"].as_object().ok_or("fields")?.keys().cloned();
    let served = telemetry::text(&operator::metrics(&Metrics::default()));
    let metrics = Regex::new(r"# TYPE (\w+) ")?;
    let metrics = metrics.captures_iter(&served).map(|it| it[1].to_owned());
    let missing: Vec<String> =
        reasons.chain(fields).chain(metrics).filter(|name| !page.contains(&format!("`{name}"))).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{PAGE} does not name {missing:?}").into()) }
}

/// The image is built from what is there: with the oldest compiler that is allowed, and with every file that is built in.
fn image() -> Result<(), Failed> {
    let (made, manifest) = (markdown::read("Dockerfile"), markdown::read("Cargo.toml"));
    let found = |pattern: &str, text: &str| Some(Regex::new(pattern).ok()?.captures(text)?[1].to_owned());
    let compiler = found(r"FROM rust:([0-9.]+)-alpine", &made).ok_or("a compiler")?;
    assert_eq!(Some(compiler), found("rust-version = \"([0-9.]+)\"", &manifest));
    let copies = made.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"));
    let named: BTreeSet<&str> = copies
        .flat_map(|line| line.split(' ').skip(1))
        .map(|it| it.trim_start_matches("./"))
        .filter(|it| !it.is_empty())
        .collect();
    let kept = markdown::read(".dockerignore");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in &named {
        assert!(root.join(path).exists() && kept.lines().any(|line| line == format!("!{path}")), "{path}");
    }
    let built_in = Regex::new("include_(?:str|bytes)!\\(\"([^\"]+)\"")?;
    let tree = cases::repository(&["src"]);
    for path in tree.paths().filter(|path| path.strip_suffix(".rs").is_some()) {
        let text = String::from_utf8(tree.bytes(path).unwrap_or_default().to_vec())?;
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for file in built_in.captures_iter(program) {
            let whole = root.join(path).parent().ok_or("a folder")?.join(&file[1]).canonicalize()?;
            let below = whole.strip_prefix(root)?;
            assert!(named.iter().any(|it| below.starts_with(it)), "{path} has {} built in", below.display());
        }
    }
    Ok(())
}

/// The chart's page names every value that there is.
fn values() -> Result<(), Failed> {
    let page = markdown::read("charts/config-weaver/README.md");
    let schema: Json = serde_json::from_str(&markdown::read("charts/config-weaver/values.schema.json"))?;
    let known = schema["properties"].as_object().ok_or("properties")?.keys();
    let missing: Vec<&String> = known.filter(|name| !page.contains(&format!("`{name}"))).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("the chart's page does not name {missing:?}").into()) }
}
