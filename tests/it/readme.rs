//! Tests of the README: its tour, its commands and its links are held against the program.

use std::fs;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use regex::Regex;

use crate::cases::code;
use crate::machine::{Machine, in_order, program, seen, succeeded};
use crate::markdown::{self, Block, blocks};

/// The section whose blocks are run.
const TOUR: &str = "A tour of five minutes";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("readme", "commands", commands),
        code("readme", "demo", demo),
        code("readme", "links", links),
        code("readme", "tour", tour),
        code("readme", "verbs", verbs),
    ]
}

/// All blocks of commands of the tour, in one shell, each with what the README says that it prints.
fn tour() -> Result<(), Failed> {
    let readme = blocks(&markdown::read("README.md"));
    let tour: Vec<&Block> = readme.iter().filter(|block| block.section == TOUR).collect();
    let machine = Machine::with_sandboxes()?;
    machine.run_blocks(&tour)?;
    machine.is_quiet()
}

/// The demo's story, as its output tells it.
fn demo() -> Result<(), Failed> {
    let machine = Machine::with_sandboxes()?;
    let text = succeeded("the demo", &machine.weft(&["demo"]).output()?)?;
    let story = [
        "$ weft render dev",
        "$ weft plan dev",
        "dev: 24 to create",
        "$ weft apply dev --yes",
        "dev: 24 applied, 24 healthy",
        "$ weft plan dev --exit-code",
        "dev: nothing to change (23 objects)",
        "$ weft diff dev --exit-code",
        "spec.replicas: pending 1 -> 3",
        "dev: 1 to change, 22 unchanged",
        "$ weft apply dev --yes",
        "dev: 1 applied, 1 healthy, 22 unchanged",
        "$ weft drift dev",
        "spec.replicas: drift 3 -> 5, by kubectl-edit (Update) at 20",
        "$ weft apply dev --yes",
        "dev: 1 applied, 1 healthy, 22 unchanged",
        "$ weft drift dev",
        "dev: no drift (23 objects)",
        "$ weft operator --kubeconfig operator.kubeconfig --lease-namespace config-weaver-system",
        "dev: 12 applied, 12 healthy, 23 unchanged",
        "alice: POST /apis/weaver.example.com/v1alpha1/namespaces/team-a/configmapsyncs",
        "Available=True (Synced): 2 of 2 namespaces have the copy.",
        "alice may not use the service account team-a/default: this needs the verb use on it",
        "the copy in team-c is green",
        "dev: 2 deleted, 33 unchanged",
        "the copy in team-b is red",
        "Available=False (PartiallySynced): 1 of 2 namespaces have the copy; 1 failed, such as team-c:",
        "the copy in team-c is green",
        "namespaces/team-a/configmapsyncs/settings is gone",
        "leases/weaver-operator is gone",
        "the operator ended with exit status: 0",
        "$ weft plan dev",
        "- delete Ingress.networking.k8s.io apps/app-flask",
        "- delete Deployment.apps apps/app-flask",
        "- delete Service apps/app-flask",
        "- delete ConfigMap apps/app-flask",
        "- delete Secret apps/app-flask",
        "refused: the release `app-flask` is no longer in the environment",
        "$ weft apply dev --yes --remove-release app-flask",
        "dev: 5 to delete, 30 unchanged",
        "dev: 5 deleted, 30 unchanged",
        "$ weft status dev",
        "RELEASE HEALTHY WAITING FAILED GONE UNKNOWN",
        "config-weaver 13 0 0 0 0",
        "platform 5 0 0 0 0",
    ];
    in_order(story.into_iter(), &text)?;
    let password = ["49435b5b6cf8a1034218999c", "ZGV2LTQ5NDM1YjViNmNmOGExMDM0MjE4OTk5Yw"];
    assert!(!password.iter().any(|secret| text.contains(secret)), "the password is printed");
    machine.is_quiet()
}

/// The two commands of the README: what the first names is there, and the second is what has to pass before a change.
fn commands() -> Result<(), Failed> {
    let readme = blocks(&markdown::read("README.md"));
    let first = readme.first().ok_or("the README has no block")?;
    let command = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let commands: Vec<String> = first.text.lines().map(command).collect();
    let [run, test] = commands.as_slice() else { return Err(format!("not two commands: {commands:?}").into()) };
    let verb = run.strip_prefix("cargo run --release -- ").ok_or_else(|| format!("`{run}` runs no verb"))?;
    assert!(known_verbs()?.iter().any(|known| known == verb), "there is no verb `{verb}`");
    let gates = markdown::read(".ci/run");
    let tests: Vec<&str> = gates.lines().filter(|line| line.starts_with("cargo test")).collect();
    assert_eq!(tests, [test], "what `.ci/run` runs, and what the README says");
    Ok(())
}

/// Every link within the repository leads to a file.
fn links() -> Result<(), Failed> {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in markdown::documents() {
        let folder = document.parent().expect("a folder");
        for link in markdown::links(&fs::read_to_string(&document)?) {
            count += 1;
            if !folder.join(&link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(count > 3, "links are found");
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}

/// Every command in a block of any document names a verb that there is.
fn verbs() -> Result<(), Failed> {
    let known = known_verbs()?;
    let command = Regex::new(r#"(?m)(?:^|\$\(|"\$\()weft ([a-z]+)"#).expect("a pattern");
    let mut used = 0;
    for document in markdown::documents() {
        for block in blocks(&fs::read_to_string(&document)?).iter().filter(|block| block.info == "sh") {
            for found in command.captures_iter(&block.text) {
                used += 1;
                let is_known = known.iter().any(|verb| *verb == found[1]);
                assert!(is_known, "{}: there is no verb `{}`", document.display(), &found[1]);
            }
        }
    }
    assert!(used > 10, "commands are found");
    Ok(())
}

/// The verbs that the program's help lists.
fn known_verbs() -> Result<Vec<String>, Failed> {
    let help = Command::new(program()).env_clear().arg("-h").output()?;
    let text = seen(&help);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    Ok(listed.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}
