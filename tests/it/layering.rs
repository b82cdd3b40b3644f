//! Tests of the structure, as far as the compiler does not check it.
//!
//! The crates of the workspace are the layers. A crate may use only what its manifest lists, so these tests hold the
//! manifests against a list of what each layer may depend on, the pure crates against a list of what they may use of the
//! standard library, and the modules of a crate against their order in its `lib.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use regex::Regex;

use crate::cases;

/// A crate of the workspace and what it may depend on.
struct Layer {
    name: &'static str,
    /// The crates of the workspace that it may use.
    uses: &'static [&'static str],
    /// Whether it never acts: it may depend on nothing but [`PURE_PACKAGES`] and use nothing but [`PURE_STD`].
    pure: bool,
}

/// The layers, the lowest first.
const LAYERS: &[Layer] = &[
    Layer { name: "base", uses: &[], pure: true },
    Layer { name: "gotemplate", uses: &["base"], pure: true },
    Layer { name: "jinja", uses: &["base"], pure: true },
    Layer { name: "schema", uses: &["base"], pure: true },
    Layer { name: "sops", uses: &["base"], pure: true },
    Layer { name: "stages", uses: &["base", "gotemplate", "jinja", "schema", "sops"], pure: true },
    Layer { name: "engine", uses: &["base", "gotemplate", "schema", "sops", "stages"], pure: false },
    Layer { name: "operator", uses: &["base", "engine", "stages"], pure: false },
];

/// Packages that compute and do not act.
const PURE_PACKAGES: &[&str] = &[
    "aes",
    "aes-gcm",
    "age",
    "age-core",
    "aho-corasick",
    "anstyle",
    "base64",
    "bcrypt",
    "cbc",
    "compact_str",
    "data-encoding",
    "flate2",
    "form_urlencoded",
    "hmac",
    "jiff",
    "jsonschema",
    "kube-cel",
    "libyaml-rs",
    "memchr",
    "minijinja",
    "p256",
    "percent-encoding",
    "rcgen",
    "regex",
    "rsa",
    "scrypt",
    "semver",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "serde_yaml",
    "sha1",
    "sha2",
    "similar",
    "stacker",
    "strsim",
    "tar",
    "thiserror",
    "toml",
    "zeroize",
];

/// What pure code may use of the standard library: modules, or single names of modules that also act.
const PURE_STD: &[&str] = &[
    "any",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "ffi::CStr",
    "fmt",
    "hash",
    "io::Error",
    "io::ErrorKind",
    "io::Read",
    "io::Result",
    "io::Write",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "path::Path",
    "rc",
    "slice",
    "str",
    "string",
    "sync",
    "time::Duration",
    "vec",
];

/// Functions of pure packages that look at the clock or draw random numbers.
const ACTING: &[&str] = &["Timestamp::now(", "Zoned::now(", "KeyPair::generate(", "OsRng", "thread_rng("];

/// Pure code in crates that act elsewhere.
const PURE_PARTS: &[&str] = &[
    "crates/engine/src/forge/call.rs",
    "crates/engine/src/forge/job.rs",
    "crates/engine/src/forge/webhook.rs",
    "crates/operator/src/decide",
    "crates/operator/src/explain/text.rs",
    "crates/operator/src/marks.rs",
    "crates/operator/src/world",
];

/// Statics that change and variables of a thread, each with the reason.
const GLOBAL_STATE: &[(&str, &str)] = &[
    ("crates/base/src/masked/needles.rs", "counts searches, in tests alone"),
    ("crates/base/src/tree/reads.rs", "what one rendering looks at, noted on its own thread"),
    ("crates/engine/src/network/mod.rs", "the runtime of the network"),
    ("crates/engine/src/pipeline/stop.rs", "signals come to the process"),
    ("crates/gotemplate/src/functions/certificates/keys.rs", "remembers what its arguments alone decide"),
    ("crates/gotemplate/src/functions/regexes/mod.rs", "remembers what its arguments alone decide"),
    ("crates/engine/src/keys/file.rs", "standard input is read once"),
    ("src/cli/mod.rs", "the runtime of the program"),
    ("src/cli/secrets/editor.rs", "signals come to the process"),
    ("src/cli/secrets/pgp.rs", "one question at a time"),
];

/// What may look behind a mask, each with the reason.
const EXPOSING: &[(&str, &str)] = &[
    ("crates/base/src/masked", "masks, fingerprints and redaction are made here"),
    ("crates/base/src/value", "the value type's own serialisation and comparison"),
    ("crates/base/src/yaml", "writes plain text for `sops`"),
    ("crates/engine/src/cluster", "the server gets the real values"),
    ("crates/engine/src/forge", "the secret of a webhook proves who sends a request"),
    ("crates/engine/src/keys", "an identity is read from the text of a key file"),
    ("crates/engine/src/network", "a password goes to the host that it is for"),
    ("crates/engine/src/source", "passwords are put into the header that they travel in"),
    ("crates/jinja/src", "templates see the real values, or stand-ins"),
    ("crates/sops/src", "decrypts and encrypts"),
    ("crates/stages/src/chart", "templates are rendered with the real values"),
    ("crates/stages/src/diff", "hashes and fingerprints are made of the real values"),
    ("crates/stages/src/kustomize", "encodes the values of generated secrets, and hashes them for their names"),
    ("crates/stages/src/manifest", "the real text is parsed before its leaves are masked"),
    ("src/cli/secrets", "hands the plain text to the person who asked for it"),
];

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("layering", "every_crate_is_a_default_member", every_crate_is_a_default_member),
        cases::code("layering", "crates_depend_on_lower_layers", crates_depend_on_lower_layers),
        cases::code("layering", "pure_crates_list_pure_packages", pure_crates_list_pure_packages),
        cases::code("layering", "pure_code_does_not_act", pure_code_does_not_act),
        cases::code("layering", "modules_keep_their_order", modules_keep_their_order),
        cases::code("layering", "global_state_is_listed", global_state_is_listed),
        cases::code("layering", "only_listed_code_exposes_secrets", only_listed_code_exposes_secrets),
        cases::code("layering", "clients_are_made_in_one_place", clients_are_made_in_one_place),
        cases::code("layering", "trust_is_made_where_a_run_starts", trust_is_made_where_a_run_starts),
        cases::code("layering", "one_module_speaks_to_servers", one_module_speaks_to_servers),
        cases::code("layering", "the_scanner_finds_faults", the_scanner_finds_faults),
    ]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(path: &str) -> Result<toml::Table, Failed> {
    Ok(fs::read_to_string(root().join(path))?.parse()?)
}

/// The packages that a manifest lists under `[dependencies]`.
fn dependencies(manifest: &toml::Table) -> Vec<&str> {
    manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(toml::Table::keys)
        .map(String::as_str)
        .collect()
}

fn report(faults: &[String]) -> Result<(), Failed> {
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Plain `cargo test` and `cargo clippy` look at the default members alone.
fn every_crate_is_a_default_member() -> Result<(), Failed> {
    let workspace = manifest("Cargo.toml")?;
    let members = workspace["workspace"]["default-members"].as_array().ok_or("no default members")?;
    let members: BTreeSet<String> = members.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    let mut crates = BTreeSet::from([".".to_owned()]);
    for entry in fs::read_dir(root().join("crates"))? {
        crates.insert(format!("crates/{}", entry?.file_name().to_string_lossy()));
    }
    assert_eq!(members, crates);
    let layers: BTreeSet<String> = LAYERS.iter().map(|layer| format!("crates/{}", layer.name)).collect();
    crates.remove(".");
    assert_eq!(layers, crates);
    Ok(())
}

fn crates_depend_on_lower_layers() -> Result<(), Failed> {
    let mut faults = Vec::new();
    for layer in LAYERS {
        let manifest = manifest(&format!("crates/{}/Cargo.toml", layer.name))?;
        let ours = dependencies(&manifest).into_iter().filter_map(|package| package.strip_prefix("weft-"));
        faults.extend(ours.filter(|name| !layer.uses.contains(name)).map(|name| format!("{} uses {name}", layer.name)));
    }
    report(&faults)
}

fn pure_crates_list_pure_packages() -> Result<(), Failed> {
    let mut faults = Vec::new();
    for layer in LAYERS.iter().filter(|layer| layer.pure) {
        let manifest = manifest(&format!("crates/{}/Cargo.toml", layer.name))?;
        let others = dependencies(&manifest).into_iter().filter(|package| !package.starts_with("weft-"));
        let acting = others.filter(|package| !PURE_PACKAGES.contains(package));
        faults.extend(acting.map(|package| format!("{} is pure and depends on {package}", layer.name)));
    }
    report(&faults)
}

/// The files of Rust code below a folder, or the file itself, by path from the root and without comments and tests.
fn sources(path: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut paths = vec![root().join(path)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(&path).expect("a readable folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable file");
            files.push((relative(&path), code_of(&text)));
        }
    }
    files.sort();
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("a path in the repository").to_string_lossy().into_owned()
}

fn code_of(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let comment = |line: &&str| !line.trim_start().starts_with("//");
    before_tests.lines().filter(comment).collect::<Vec<_>>().join("\n")
}

/// Whether a file is a module of tests: `mod tests;` stands behind `#[cfg(test)]` in another file.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("/laws.rs") || path.contains("/laws/")
}

fn pure_code_does_not_act() -> Result<(), Failed> {
    let crates = LAYERS.iter().filter(|layer| layer.pure).map(|layer| format!("crates/{}/src", layer.name));
    let parts: Vec<String> = crates.chain(PURE_PARTS.iter().map(|part| (*part).to_owned())).collect();
    let files: Vec<(String, String)> = parts.iter().flat_map(|part| sources(part)).collect();
    for part in parts {
        assert!(files.iter().any(|(path, _)| path.starts_with(&part)), "{part} is not there");
    }
    let mut faults = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| !is_test(path)) {
        faults.extend(acts(text).into_iter().map(|fault| format!("{path} is pure and names {fault}")));
    }
    report(&faults)
}

/// What a text names that pure code must not.
fn acts(text: &str) -> Vec<String> {
    let standard = Regex::new(r"\bstd::([a-z_]+)(?:::(\w+|\{[^}]*\}))?").expect("a pattern");
    let mut faults = Vec::new();
    for path in standard.captures_iter(text) {
        let module = &path[1];
        let names = path.get(2).map_or("", |names| names.as_str()).trim_matches(['{', '}']);
        for name in names.split(',').map(|name| name.split(" as ").next().unwrap_or_default().trim()) {
            let full = format!("{module}::{name}");
            // `io` itself: what is used of it stands in the code as `io::Name`.
            let is_module = module == "io" && matches!(name, "" | "self");
            if !is_module && !PURE_STD.contains(&module) && !PURE_STD.contains(&full.as_str()) {
                faults.push(format!("std::{full}"));
            }
        }
    }
    let io = Regex::new(r"(?:^|[^:\w])io::(\w+)").expect("a pattern");
    let names = io.captures_iter(text).map(|name| format!("io::{}", &name[1]));
    faults.extend(names.filter(|name| !PURE_STD.contains(&name.as_str())));
    faults.extend(ACTING.iter().filter(|name| text.contains(**name)).map(|name| (*name).to_owned()));
    faults
}

/// The modules of a crate that holds several, in their order.
fn modules(library: &str) -> Vec<String> {
    let module = Regex::new(r"(?m)^pub mod ([a-z_]+);").expect("a pattern");
    module.captures_iter(library).map(|name| name[1].to_owned()).collect()
}

/// The modules of its own crate that a text names, through `crate::a` and `crate::{a, b::c}`.
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

/// A module uses those that stand before it in `lib.rs`.
fn modules_keep_their_order() -> Result<(), Failed> {
    let mut faults = Vec::new();
    for name in ["stages", "engine"] {
        let folder = format!("crates/{name}/src");
        let order = modules(&fs::read_to_string(root().join(&folder).join("lib.rs"))?);
        assert!(order.len() > 5, "the modules of {name}");
        for module in &order {
            for (path, text) in sources(&format!("{folder}/{module}")) {
                faults.extend(later(module, &text, &order).into_iter().map(|other| format!("{path} uses {other}")));
            }
        }
    }
    report(&faults)
}

/// The modules that a text of a module names and that come after it.
fn later(module: &str, text: &str, order: &[String]) -> Vec<String> {
    let ranks: BTreeMap<&str, usize> = order.iter().enumerate().map(|(rank, name)| (name.as_str(), rank)).collect();
    let comes_later = |name: &String| ranks.get(name.as_str()).is_some_and(|rank| *rank > ranks[module]);
    named_modules(text).into_iter().filter(comes_later).collect()
}

/// All code of the workspace.
fn everything() -> Vec<(String, String)> {
    [sources("crates"), sources("src")].concat()
}

fn is_below(path: &str, listed: &str) -> bool {
    PathBuf::from(path).starts_with(listed)
}

fn global_state_is_listed() -> Result<(), Failed> {
    let state = Regex::new(
        r"thread_local!|static (?:mut )?\w+: (?:\w+::)*(?:Mutex|RwLock|Atomic\w+|OnceLock|LazyLock<(?:\w+::)*(?:Mutex|RwLock|Atomic))",
    )?;
    let code = everything();
    let holders =
        code.iter().filter(|(path, text)| !is_test(path) && state.is_match(text)).map(|(path, _)| path.as_str());
    let holders: BTreeSet<&str> = holders.collect();
    let listed: BTreeSet<&str> = GLOBAL_STATE.iter().map(|(path, _)| *path).collect();
    assert_eq!(holders, listed);
    Ok(())
}

fn only_listed_code_exposes_secrets() -> Result<(), Failed> {
    let exposes = Regex::new(r"\.expose\(|\.exposed\(|Exposed\b")?;
    let code = everything();
    let exposing = code.iter().filter(|(_, text)| exposes.is_match(text));
    let unlisted = exposing.filter(|(path, _)| !EXPOSING.iter().any(|(listed, _)| is_below(path, listed)));
    report(&unlisted.map(|(path, _)| format!("{path} looks behind a mask")).collect::<Vec<_>>())
}

/// Connections that kube makes by itself are without `TCP_NODELAY`: 40 ms for a first request, see `network::client`.
fn clients_are_made_in_one_place() -> Result<(), Failed> {
    let place = "crates/engine/src/network/stack.rs";
    let code = everything();
    let makes_clients = |text: &str| text.contains("Client::try_from(") || text.contains("HttpConnector::new(");
    let elsewhere = code.iter().filter(|(path, text)| path != place && makes_clients(text));
    let at_once = code.iter().filter(|(path, text)| path == place && text.contains("set_nodelay(true)")).count();
    assert_eq!(at_once, 1, "the one place");
    report(&elsewhere.map(|(path, _)| format!("{path}: makes a client")).collect::<Vec<_>>())
}

/// Only the verbs say what a run may reach, and variables are read in few places.
fn trust_is_made_where_a_run_starts() -> Result<(), Failed> {
    let makers = ["Trust::own(", "Trust::closed(", "ProcessEnvironment::read("];
    let readers = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let starts = ["src/cli/settings.rs", "src/cli/ci/plan.rs", "crates/engine/src/trust"];
    let reading =
        ["crates/engine/src/trust", "crates/engine/src/cluster/holder.rs", "src/cli/terminal.rs", "src/cli/secrets"];
    let mut faults = Vec::new();
    for (path, code) in everything() {
        let is_at = |places: &[&str]| places.iter().any(|place| is_below(&path, place));
        if !is_at(&starts) && makers.iter().any(|maker| code.contains(maker)) {
            faults.push(format!("{path}: decides what a run may reach"));
        }
        if !is_at(&reading) && readers.iter().any(|reader| code.contains(reader)) {
            faults.push(format!("{path}: reads a variable"));
        }
    }
    report(&faults)
}

/// Whoever asks an API server does it through `cluster`, with its retries and its errors.
fn one_module_speaks_to_servers() -> Result<(), Failed> {
    let places = ["crates/engine/src/cluster", "crates/engine/src/network/stack.rs"];
    let client = Regex::new(r"\bkube::|\buse kube\b")?;
    let code = everything();
    let elsewhere =
        code.iter().filter(|(path, text)| client.is_match(text) && !places.iter().any(|place| is_below(path, place)));
    report(&elsewhere.map(|(path, _)| format!("{path} names kube")).collect::<Vec<_>>())
}

#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn the_scanner_finds_faults() -> Result<(), Failed> {
    let order = ["diff", "plan", "report"].map(str::to_owned);
    assert_eq!(later("diff", "use crate::plan::Plan;", &order), ["plan"]);
    assert_eq!(later("diff", "use crate::{manifest::A, report::{B, C}};", &order), ["report"]);
    assert!(later("report", "use crate::diff::A; fn f() { crate::plan::g() }", &order).is_empty());
    assert_eq!(acts("use std::fs;"), ["std::fs::"]);
    assert_eq!(acts("use std::time::{Duration, Instant};"), ["std::time::Instant"]);
    assert_eq!(acts("use std::io::{self, Read as _};\nfn f() { io::stdin(); io::Error::other(1) }"), ["io::stdin"]);
    assert_eq!(acts("let now = Timestamp::now();"), ["Timestamp::now("]);
    assert!(acts("use std::collections::BTreeMap;\nuse std::{fmt, mem};").is_empty());
    assert_eq!(code_of("// std::fs\nfn x() {}\n#[cfg(test)]\nmod tests { use std::fs; }"), "fn x() {}");
    assert_eq!(modules("pub mod a;\n// pub mod x;\npub mod b;"), ["a", "b"]);
    Ok(())
}
