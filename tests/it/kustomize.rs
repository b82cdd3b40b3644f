//! Kustomizations: cases as files, and kustomize's own public cases where they are at hand.
//!
//! `WEFT_KUSTOMIZE_CORPUS=FOLDER cargo test --test it -- kustomize::the_corpus` builds the cases of a folder and prints
//! which differ. A case is a folder with `fs/` (the files), `_opts.txt` (the options and the path that is built) and the
//! expected `_out.yaml` or `_err.txt`.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::kustomize::{self, Files, Options};
use weft::masked::Masked;
use weft::patch::{MergeKeys, Patch};
use weft::tree::Tree;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case};

pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("kustomize", builds);
    trials.extend(cases::of("patch", applies));
    trials.push(cases::code("kustomize", "values_of_encrypted_files_are_masked", encrypted));
    trials.push(cases::code("kustomize", "the_suffix_of_an_encrypted_source_confirms_no_guess", suffix_of_encrypted));
    trials.push(cases::code("kustomize", "a_line_of_an_encrypted_file_is_no_key", encrypted_lines));
    trials.push(cases::code("kustomize", "all_bases_are_asked_for", bases));
    trials.push(cases::code("kustomize", "the_corpus", corpus));
    trials
}

/// A case: `tree/` with the kustomization in `build/` or at its top, and `expected.yaml` or `error.txt`.
fn builds(case: &Case) -> Result<(), Failed> {
    let tree = case.tree("tree");
    let folder = if tree.has_folder("build") { "build" } else { "" };
    let words = case.read_if_there("options.txt").unwrap_or_default();
    let has = |word: &str| words.lines().any(|line| line == word);
    let options = Options {
        legacy_order: has("legacy"),
        managed_by: has("managed-by"),
        unrestricted: has("unrestricted"),
        ..Options::default()
    };
    match kustomize::build(Arc::new(tree), folder, &options) {
        Ok(build) => {
            let warnings: String = build.warnings.iter().flat_map(|it| ["# ", it, "\n"]).collect();
            case.expect("expected.yaml", &(warnings + &build.to_yaml()))
        }
        Err(error) => case.expect("error.txt", &Diagnostic::of(&error).to_string()),
    }
}

/// A case: `object.yaml`, `patch.yaml`, and `expected.yaml` or `error.txt`.
fn applies(case: &Case) -> Result<(), Failed> {
    let file = |name: &str| Arc::new(name.to_owned());
    let object = yaml::document(&case.read("object.yaml"), &file("object.yaml"), Rules::Kustomize)?;
    let patched = Patch::read(&case.read("patch.yaml"), &file("patch.yaml")).and_then(|patches| {
        patches.iter().try_fold(Some(object), |object, patch| match object {
            Some(object) => patch.apply(object, MergeKeys::builtin()),
            None => Ok(None),
        })
    });
    match patched {
        Ok(object) => case.expect("expected.yaml", &object.as_ref().map_or(String::new(), yaml::write)),
        Err(error) => case.expect("error.txt", &Diagnostic::of(&error).to_string()),
    }
}

/// Files of which one is encrypted.
struct Locked(Tree);

impl Files for Locked {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        Files::bytes(&self.0, path)
    }

    fn is_folder(&self, path: &str) -> bool {
        Files::is_folder(&self.0, path)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Files::below(&self.0, folder)
    }

    fn decrypted(&self, _: &Arc<String>, bytes: &[u8]) -> Result<Option<Masked<Vec<u8>>>, Diagnostic> {
        Ok(bytes.strip_prefix(b"locked:").map(|plain| Masked::new(plain.to_vec())))
    }
}

fn encrypted() -> Result<(), Failed> {
    let build = |password: &str| {
        let kustomization = "secretGenerator:\n- {name: db, files: [password], envs: [all.env], literals: [user=me]}\n";
        let tree = Tree::new([
            ("kustomization.yaml".to_owned(), kustomization.into()),
            ("password".to_owned(), format!("locked:{password}").into_bytes()),
            ("all.env".to_owned(), format!("locked:TOKEN={password}\n").into_bytes()),
        ]);
        kustomize::build(Arc::new(Locked(tree)), "", &Options::default())
    };
    let (one, other) = (build("hunter2")?, build("hunter3")?);
    let data = one.resources[0].get("data").ok_or("no data")?;
    let masked = |key: &str| data.get(key).is_some_and(weft::value::Value::is_masked);
    assert!(masked("password") && masked("TOKEN") && !masked("user"));
    assert!(!one.to_yaml().contains("aHVudGVyMg") && !format!("{one:?}").contains("hunter"));
    let name = |build: &kustomize::Build| build.resources[0].dig(&["metadata", "name"]).cloned();
    assert_ne!(name(&one), name(&other), "the name tells one file from another");
    Ok(())
}

/// Whoever can guess a secret must not find it confirmed by the name of its Secret.
fn suffix_of_encrypted() -> Result<(), Failed> {
    let name = |content: &str| {
        let kustomization = "secretGenerator:\n- {name: db, files: [password]}\n";
        let tree = Tree::new([
            ("kustomization.yaml".to_owned(), kustomization.into()),
            ("password".to_owned(), content.to_owned().into_bytes()),
        ]);
        let build = kustomize::build(Arc::new(Locked(tree)), "", &Options::default())?;
        let name = build.resources[0].dig(&["metadata", "name"]).and_then(weft::value::Value::as_str);
        Ok::<_, Failed>(name.unwrap_or_default().to_owned())
    };
    assert_ne!(name("locked:hunter2")?, name("hunter2")?);
    Ok(())
}

/// Keys are shown, so a line of an encrypted file that is no variable is no key.
fn encrypted_lines() -> Result<(), Failed> {
    for line in ["ghp_TOKEN", "password: Swordfish-99", "=x", "a b=c", "ü=c"] {
        let tree = Tree::new([
            ("kustomization.yaml".to_owned(), b"secretGenerator:\n- {name: db, envs: [all.env]}\n".to_vec()),
            ("all.env".to_owned(), format!("locked:A=b\n{line}\n").into_bytes()),
        ]);
        let Err(error) = kustomize::build(Arc::new(Locked(tree)), "", &Options::default()) else {
            return Err(format!("`{line}` is a key").into());
        };
        let said = Diagnostic::of(&error).to_string();
        assert!(said.contains("a line of an encrypted file is `NAME=value`"), "{said}");
        assert!(!said.contains(line), "{said}");
    }
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "as every trial")]
fn bases() -> Result<(), Failed> {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let tree = Tree::new([
        file("overlays/a/kustomization.yaml", "resources: [../../base, x.yaml]\ncomponents: [../c]\n"),
        file("overlays/a/x.yaml", ""),
        file("overlays/c/kustomization.yaml", "kind: Component\ntransformers: [../../t.yaml]\n"),
    ]);
    let mut needs = kustomize::needs(&tree, "overlays/a");
    needs.sort();
    assert_eq!(needs, ["base", "t.yaml"]);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the count is what the comparison is for")]
fn corpus() -> Result<(), Failed> {
    let Some(folder) = std::env::var_os("WEFT_KUSTOMIZE_CORPUS") else { return Ok(()) };
    let mut cases: Vec<_> = fs::read_dir(folder)?.filter_map(|it| Some(it.ok()?.path())).collect();
    cases.retain(|case| case.join("_opts.txt").is_file());
    cases.sort();
    let (programs, differ): (Vec<_>, Vec<_>) = cases
        .iter()
        .filter_map(|case| Some((case, differs(case)?)))
        .partition(|(case, difference)| runs_a_program(case) && difference.contains("is a program of its own"));
    println!("{} of {} cases agree", cases.len() - programs.len() - differ.len(), cases.len());
    for (_, refusal) in &programs {
        println!("it runs a program: {}", refusal.lines().next().unwrap_or_default());
    }
    let differ: Vec<String> = differ.into_iter().map(|(_, difference)| difference).collect();
    if differ.is_empty() { Ok(()) } else { Err(differ.join("\n").into()) }
}

/// Whether kustomize builds a case only with a program beside it, which Weft never runs.
fn runs_a_program(case: &Path) -> bool {
    fs::read_to_string(case.join("_opts.txt")).is_ok_and(|text| text.lines().any(|line| line == "plugins=true"))
}

/// What is other than expected in a case of the corpus.
fn differs(case: &Path) -> Option<String> {
    let name = case.file_name()?.to_string_lossy().into_owned();
    let text = fs::read_to_string(case.join("_opts.txt")).ok()?;
    let option = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
    let options = Options {
        // What the command takes where no order is asked for is the legacy one.
        legacy_order: option("reorder=") != "none",
        managed_by: option("managedBy=") == "true",
        unrestricted: option("loadRestrictions=") == "LoadRestrictionsNone",
        ..Options::default()
    };
    let folder = weft::tree::join("", option("path=").trim_start_matches('/')).ok()?;
    let build = kustomize::build(Arc::new(cases::tree_of(&case.join("fs"))), &folder, &options);
    let expected = fs::read_to_string(case.join("_out.yaml")).ok();
    match (build, expected) {
        (Ok(build), Some(expected)) => {
            cases::same(&name, &expected, &build.to_yaml()).err().map(|it| it.message().unwrap_or_default().to_owned())
        }
        (Err(_), None) => None,
        (Err(error), Some(_)) => Some(format!("{name} is refused: {}", Diagnostic::of(&error))),
        (Ok(_), None) => Some(format!("{name} is not refused")),
    }
}
