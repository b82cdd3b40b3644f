//! Tests of the structure: each module keeps to its place in `src/lib.rs`, and only a few may see a secret.
//!
//! `src/lib.rs` is the rule: its three groups of modules, and the order in each. A foundation module uses only the
//! foundation; a stage the foundation and the stages before it; an edge everything before it. Pure modules name no
//! client, runtime, file system, process, clock or source of randomness.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use regex::Regex;

use crate::cases;

/// Crates and parts of the standard library that a pure module must not name.
const ACTING: &[&str] = &[
    "kube",
    "tokio",
    "git2",
    "clap",
    "getrandom",
    "rayon",
    "indicatif",
    "tempfile",
    "rustix",
    "KeyPair::generate",
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::os",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::thread",
    "SystemTime",
    "Instant::",
    "fs::File",
];

/// Parts of edges that are pure all the same.
const PURE_PARTS: &[&str] = &[
    "forge/call.rs",
    "forge/job.rs",
    "forge/webhook.rs",
    "operator/decide",
    "operator/world",
    "operator/explain/text.rs",
    "operator/marks.rs",
];

/// The modules that may look behind a mask, each with the reason.
const EXPOSING: &[(&str, &str)] = &[
    ("cli/secrets", "hands the plain text to the person who asked for it"),
    ("chart", "templates are rendered with the real values"),
    ("cluster", "the server gets the real values"),
    ("diff", "hashes and fingerprints are made of the real values"),
    ("forge", "the secret of a webhook proves who sends a request"),
    ("jinja", "templates see the real values, or stand-ins"),
    ("keys", "an identity is read from the text of a key file"),
    ("kustomize", "encodes the values of generated secrets, and hashes them for their names"),
    ("manifest", "the real text is parsed before its leaves are masked"),
    ("network", "a password goes to the host that it is for"),
    ("masked", "masks, fingerprints and redaction are made here"),
    ("secrets", "decrypts and encrypts"),
    ("source", "passwords are put into the header that they travel in"),
    ("value", "the value type's own serialisation and comparison"),
    ("yaml", "writes plain text for `secrets`"),
];

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("layering", "modules_keep_to_their_place", modules_keep_to_their_place),
        cases::code("layering", "parts_of_edges_are_pure", parts_of_edges_are_pure),
        cases::code("layering", "only_listed_modules_expose_secrets", only_listed_modules_expose_secrets),
        cases::code("layering", "clients_are_made_in_one_place", clients_are_made_in_one_place),
        cases::code("layering", "trust_is_made_where_a_run_starts", trust_is_made_where_a_run_starts),
        Trial::test("layering::the_scanner_sees_what_it_should", || {
            the_scanner_sees_what_it_should();
            Ok(())
        }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Foundation,
    Stage,
    Edge,
}

/// The place of every module: its group and its rank over all groups.
fn places(lib: &str) -> BTreeMap<String, (Group, usize)> {
    let mut group = None;
    let mut places = BTreeMap::new();
    for line in lib.lines() {
        group = match line.split(':').next() {
            Some("// Foundation") => Some(Group::Foundation),
            Some("// Stages") => Some(Group::Stage),
            Some("// Edges") => Some(Group::Edge),
            _ => group,
        };
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(';')) {
            places.insert(name.to_owned(), (group.expect("a group before the first module"), places.len()));
        }
    }
    places
}

/// The crate's own modules that a text names, through `crate::a` and `crate::{a, b::c}`.
fn named_modules(text: &str) -> Vec<String> {
    let direct = Regex::new(r"\bcrate::([a-z_]+)").expect("a pattern");
    let grouped = Regex::new(r"\bcrate::\{([^;]*)\};").expect("a pattern");
    let first = Regex::new(r"(?:^|,)\s*([a-z_]+)").expect("a pattern");
    let inner = Regex::new(r"\{[^{}]*\}").expect("a pattern");
    let mut names: Vec<String> = direct.captures_iter(text).map(|c| c[1].to_owned()).collect();
    for group in grouped.captures_iter(text) {
        let flat = inner.replace_all(&group[1], "").into_owned();
        names.extend(first.captures_iter(&flat).map(|c| c[1].to_owned()));
    }
    names
}

/// What a module at `place` must not name, in one of its files.
fn faults(module: &str, text: &str, places: &BTreeMap<String, (Group, usize)>) -> Vec<String> {
    let (group, rank) = places[module];
    let mut faults = Vec::new();
    for name in named_modules(text) {
        let Some((other_group, other_rank)) = places.get(&name).copied() else {
            continue;
        };
        let allowed = match (group, other_group) {
            (Group::Foundation, Group::Foundation) => true,
            (Group::Foundation, _) | (Group::Stage, Group::Edge) => false,
            _ => other_rank <= rank,
        };
        if !allowed {
            faults.push(format!("uses `{name}`, which comes after it"));
        }
    }
    if text.contains("super::super") {
        faults.push("says `super::super`: name the module by `crate::`".into());
    }
    if group != Group::Edge {
        let named = ACTING.iter().filter(|acting| is_named(text, acting));
        faults.extend(named.map(|acting| format!("is pure and names `{acting}`")));
    }
    faults
}

/// Whether a crate or path is used: `kube::`, `use kube`, `std::fs`.
fn is_named(text: &str, acting: &str) -> bool {
    let pattern = if acting.contains(':') || acting.chars().any(char::is_uppercase) {
        format!(r"\b{}", regex::escape(acting))
    } else {
        format!(r"(\b{acting}::|\buse {acting}\b)")
    };
    Regex::new(&pattern).expect("a pattern").is_match(text)
}

/// The files of a module with their text, without comments and without the tests at their end.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder a module") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = code_of(&fs::read_to_string(&path).expect("a readable file"));
                files.push((path, text));
            }
        }
    }
    files
}

fn code_of(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let comment = |line: &&str| !line.trim_start().starts_with("//");
    before_tests.lines().filter(comment).collect::<Vec<_>>().join("\n")
}

fn lib() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs")
}

fn report(faults: &[String]) -> Result<(), Failed> {
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn modules_keep_to_their_place() -> Result<(), Failed> {
    let places = places(&lib());
    let mut found = Vec::new();
    for module in places.keys() {
        for (path, text) in sources(module) {
            found.extend(faults(module, &text, &places).into_iter().map(|f| format!("{}: {f}", path.display())));
        }
    }
    report(&found)
}

fn parts_of_edges_are_pure() -> Result<(), Failed> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for part in PURE_PARTS {
        let module = part.split('/').next().unwrap_or_default();
        let files: Vec<_> = sources(module).into_iter().filter(|it| it.0.starts_with(source.join(part))).collect();
        if files.is_empty() {
            found.push(format!("{part} is not there"));
        }
        for (path, text) in files {
            let named = ACTING.iter().filter(|acting| is_named(&text, acting));
            found.extend(named.map(|acting| format!("{} is pure and names `{acting}`", path.display())));
        }
    }
    report(&found)
}

fn only_listed_modules_expose_secrets() -> Result<(), Failed> {
    let exposes = Regex::new(r"\.expose\(|\.exposed\(|Exposed\b").expect("a pattern");
    let mut found = Vec::new();
    for module in places(&lib()).keys() {
        let exposing = sources(module).into_iter().filter(|(_, text)| exposes.is_match(text));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let listed =
            |path: &Path| EXPOSING.iter().any(|(name, _)| *name == module || path.starts_with(source.join(name)));
        let unlisted = exposing.filter(|(path, _)| !listed(path));
        found.extend(unlisted.map(|(path, _)| format!("{} looks behind a mask", path.display())));
    }
    report(&found)
}

/// Connections that kube makes by itself are without `TCP_NODELAY`: 40 ms for a first request, see `network::client`.
/// Only the verbs say what a run may reach, and variables are read in few places.
fn trust_is_made_where_a_run_starts() -> Result<(), Failed> {
    let makers = ["Trust::own(", "Trust::closed(", "ProcessEnvironment::read("];
    let readers = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let reading = ["trust.rs", "cluster/holder.rs", "cli/terminal.rs", "cli/secrets/"];
    let mut found = Vec::new();
    for module in places(&lib()).keys() {
        for (path, text) in sources(module) {
            let (code, shown) = (code_of(&text), path.display().to_string());
            let is_at = |places: &[&str]| places.iter().any(|it| shown.contains(it));
            if !is_at(&["cli/settings.rs", "cli/ci/plan.rs", "trust.rs"]) && makers.iter().any(|it| code.contains(it)) {
                found.push(format!("{shown}: decides what a run may reach"));
            }
            if !is_at(&reading) && readers.iter().any(|it| code.contains(it)) {
                found.push(format!("{shown}: reads a variable"));
            }
        }
    }
    report(&found)
}

fn clients_are_made_in_one_place() -> Result<(), Failed> {
    let (mut found, mut at_once) = (Vec::new(), 0);
    for module in places(&lib()).keys() {
        for (path, text) in sources(module) {
            let (is_place, code) = (path.ends_with("network/stack.rs"), code_of(&text));
            at_once += usize::from(is_place && code.contains("set_nodelay(true)"));
            if !is_place && (code.contains("Client::try_from(") || code.contains("HttpConnector::new(")) {
                found.push(format!("{}: makes a client", path.display()));
            }
        }
    }
    assert_eq!(at_once, 1, "the one place");
    report(&found)
}

fn the_scanner_sees_what_it_should() {
    let places = places(
        "// Foundation: x\npub mod value;\n// Stages: x\npub mod diff;\npub mod plan;\n// Edges: x\npub mod cluster;",
    );
    let bad = |module, text| faults(module, &code_of(text), &places);
    assert_eq!(bad("diff", "use crate::plan::Plan;"), ["uses `plan`, which comes after it"]);
    assert_eq!(bad("diff", "use crate::{value::Value, cluster::{A, B}};"), ["uses `cluster`, which comes after it"]);
    assert_eq!(bad("value", "fn f() { crate::diff::g() }"), ["uses `diff`, which comes after it"]);
    assert_eq!(bad("plan", "use std::fs;\n"), ["is pure and names `std::fs`"]);
    assert_eq!(bad("plan", "fn f() { kube::Client::new() }"), ["is pure and names `kube`"]);
    assert_eq!(bad("plan", "let now = SystemTime::now();"), ["is pure and names `SystemTime`"]);
    let fine: &[&str] = &[];
    assert_eq!(bad("plan", "// kube::x\nuse crate::diff::A;\nfn x() { \"kubernetes\" }"), fine);
    assert_eq!(bad("plan", "fn x() {}\n#[cfg(test)]\nmod tests { use std::fs; }"), fine);
    assert_eq!(bad("cluster", "use std::fs; use crate::plan::P;"), fine);
}
