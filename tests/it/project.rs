//! Tests of `project`: each case is a project of its own.

#![allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use serde::Deserialize;
use weft::diagnostic::Diagnostic;
use weft::project::{
    self, ConflictRule, Environment, IgnoreRule, ProjectError, Prune, Release, ReplaceRule, Selection, ValuesLayer,
};
use weft::tree::Tree;
use weft::yaml;

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("project", run);
    trials.push(cases::code("project", "the_example_loads", the_example_loads));
    trials.push(cases::code("project", "order_is_stable_and_needs_come_first", order));
    trials
}

/// What a case asks for; all of it has a default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    environment: Option<String>,
    releases: Vec<String>,
    labels: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

fn run(case: &Case) -> Result<(), Failed> {
    let asked = case.read_if_there("case.yaml").unwrap_or_else(|| "{}".to_owned());
    let asked: Asked = yaml::config(&asked, &Arc::new("case.yaml".to_owned()))?;
    let tree = case.tree("project");
    let said = match environment(&tree, asked) {
        Ok(environment) => describe(&environment),
        Err(error) => Diagnostic::of(&error).to_string(),
    };
    case.expect("expected.txt", &said)
}

fn environment(tree: &Tree, asked: Asked) -> Result<Environment, ProjectError> {
    let environment = project::load(tree, asked.environment.as_deref().unwrap_or("dev"))?;
    let inputs = project::inputs(&environment, &|name| asked.variables.get(name).cloned())?;
    let selection =
        Selection { releases: asked.releases, labels: asked.labels.into_iter().collect(), gone: Vec::new() };
    let environment = project::select(environment, &selection, &inputs)?;
    project::check(&environment, tree)?;
    Ok(environment)
}

fn describe(environment: &Environment) -> String {
    let mut out = String::new();
    let Environment { name, lineage, cluster, values, inputs, identity, state_namespace, releases, .. } = environment;
    let _ = writeln!(out, "environment {name} of {}", lineage.join(", "));
    let _ = writeln!(out, "cluster: {cluster:?}");
    let _ = writeln!(out, "values: {values:?}");
    for (name, input) in inputs {
        let _ = writeln!(out, "input {name}: {input:?}");
    }
    let _ = writeln!(out, "identity: {identity:?}\nstate in {state_namespace}");
    describe_rules(&mut out, "", &environment.ignore);
    describe_guards(&mut out, "", &environment.conflicts, &environment.replace);
    let _ = writeln!(out, "needs the folders {}", project::folders(environment).join(", "));
    for release in releases {
        describe_release(&mut out, release);
    }
    out
}

fn describe_release(out: &mut String, release: &Release) {
    let Release { name, namespace, create_namespace, source, source_origin, .. } = release;
    let _ = writeln!(out, "\nrelease {name} at {}", release.origin);
    let _ = writeln!(out, "  in {namespace}, created: {create_namespace}");
    let _ = writeln!(out, "  from {source:?} at {source_origin}");
    let _ = writeln!(out, "  needs {:?}, labels {:?}, when {:?}", release.needs, release.labels, release.when);
    for layer in &release.values {
        let _ = match layer {
            ValuesLayer::File(path, origin) => writeln!(out, "  values of file {path} at {origin}"),
            ValuesLayer::Template(path, origin) => writeln!(out, "  values of template {path} at {origin}"),
            ValuesLayer::Inline(values) => writeln!(out, "  values {values:?} at {}", values.origin),
        };
    }
    for (path, origin) in &release.secrets {
        let _ = writeln!(out, "  secrets of file {path} at {origin}");
    }
    describe_rules(out, "  ", &release.ignore);
    describe_guards(out, "  ", &release.conflicts, &release.replace);
    let prunes = match release.prune {
        Prune::Delete => "true",
        Prune::Keep => "false",
        Prune::Orphan => "orphan",
    };
    let _ = writeln!(out, "  waits {:?} seconds, prunes: {prunes}", release.wait.seconds);
    for rule in &release.wait.rules {
        let _ = writeln!(out, "  judges {rule:?}");
    }
}

fn describe_guards(out: &mut String, indent: &str, conflicts: &[ConflictRule], replace: &[ReplaceRule]) {
    for rule in conflicts {
        let _ = writeln!(out, "{indent}{rule:?}");
    }
    for rule in replace {
        let _ = writeln!(out, "{indent}{rule:?}");
    }
}

fn describe_rules(out: &mut String, indent: &str, rules: &[IgnoreRule]) {
    for IgnoreRule { what, objects, reason, until, origin } in rules {
        let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
        let _ = writeln!(out, "{indent}ignores {what:?} of {objects:?} since {reason:?}{until} at {origin}");
    }
}

/// The environments at the top of the repository, as far as `environments/` alone tells.
fn the_example_loads() -> Result<(), Failed> {
    let tree = cases::repository(&["environments"]);
    cases::same("the environments", "dev production staging", &project::names(&tree).join(" "))?;
    for name in project::names(&tree) {
        let environment = project::load(&tree, &name).map_err(|error| Diagnostic::of(&error).to_string())?;
        let releases: Vec<&str> = environment.releases.iter().map(|release| &*release.name).collect();
        cases::same(&name, "platform config-weaver app-flask", &releases.join(" "))?;
    }
    Ok(())
}

/// Releases that need only those of a smaller rank, declared in any order.
fn graphs() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    let needs = (1..12usize).prop_flat_map(|count| prop::collection::vec(prop::collection::vec(0..count, 0..4), count));
    let ranked = needs.prop_map(|all| {
        let smaller = |(rank, needs): (usize, Vec<usize>)| (rank, needs.into_iter().filter(|it| *it < rank).collect());
        all.into_iter().enumerate().map(smaller).collect::<Vec<_>>()
    });
    ranked.prop_shuffle()
}

fn order() -> Result<(), Failed> {
    proptest!(cases::tries(256), |(graph in graphs())| {
        let mut file = "releases:\n".to_owned();
        for (rank, needs) in &graph {
            let needs = needs.iter().map(|rank| format!("r{rank}")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(file, "- {{name: r{rank}, namespace: a, chart: b, needs: [{needs}]}}");
        }
        let tree = Tree::new([("environments/dev/environment.yaml".to_owned(), file.into_bytes())]);
        let releases = project::load(&tree, "dev").expect("a graph without circles").releases;
        prop_assert_eq!(releases.len(), graph.len());
        for (at, release) in releases.iter().enumerate() {
            for need in &release.needs {
                let before = releases[..at].iter().any(|before| *before.name == **need);
                prop_assert!(before, "{} comes before {need}", release.name);
            }
        }
        if graph.iter().all(|(_, needs)| needs.is_empty()) {
            let declared: Vec<String> = graph.iter().map(|(rank, _)| format!("r{rank}")).collect();
            let ordered: Vec<String> = releases.iter().map(|release| release.name.to_string()).collect();
            prop_assert_eq!(ordered, declared);
        }
    });
    Ok(())
}
