//! What to do about a [`ProjectError`].

use super::ProjectError;
use weft_base::diagnostic::{Diagnose, nearest};

/// The next step, as a full sentence.
pub(super) fn of(error: &ProjectError) -> Option<String> {
    use ProjectError as E;
    Some(match error {
        E::Yaml(inner) => return inner.hint(),
        E::Tree(inner) => return inner.hint(),
        E::Condition { source, .. } => source.hint().unwrap_or_else(|| fixed(error).to_owned()),
        E::File { source, nearest, .. } => return near(nearest.as_deref()).or_else(|| source.hint()),
        E::NoEnvironment { name, known, .. } => environment(name, known),
        E::NotYet { instead, .. } => (*instead).to_owned(),
        E::NotLocked { environment, .. } | E::NotVerified { environment, .. } => {
            format!("Run `weft sources lock {environment}`, and commit what it writes.")
        }
        E::Contradiction { first, second, .. } => format!("Remove `{first}` or `{second}`."),
        E::WrongKind { expected, .. } => format!("Write {expected}."),
        E::SecretElsewhere { folder, .. } => {
            format!("An environment reads only its own secrets: name a file of `{folder}/` by its path from there.")
        }
        E::Duplicate { first, .. } => format!("The first declaration is at {first}; rename or remove one."),
        E::MissingField { what, .. } => format!("Add {what} to the release."),
        E::NeedDisabled { need, disabled, .. } => {
            format!("`{need}` is disabled at {disabled}; enable it, or remove the need.")
        }
        E::NeedCycle { steps, .. } => format!("Remove one of these needs:\n{}", steps.join("\n")),
        E::ValuesForNoRelease { nearest: Some(name), .. } => {
            format!("Files here are loaded for the release of their name; rename it to `{name}.yaml` if that is meant.")
        }
        E::NeedUnknown { nearest: Some(name), .. }
        | E::NoSource { nearest: Some(name), .. }
        | E::NoRelease { nearest: Some(name), .. } => format!("Did you mean `{name}`?"),
        E::NoShippedRule { nearest: Some(name), .. } => format!("Did you mean `{name}`?"),
        E::NoShippedRule { .. } => {
            let mut names: Vec<String> = super::shipped().map(|rule| rule.name.to_owned()).collect();
            names.dedup();
            format!("There are {}.", list(&names))
        }
        E::NotAPatch { .. } => {
            "Write `patch:` with fields, with a list of operations, or with their text, or `path:` with a file.".into()
        }
        E::Target { source, .. } => return source.hint(),
        E::IncompleteRule { rule, key, .. } => completed(rule, key).to_owned(),
        E::NoSource { path, .. } => format!("Create `{path}`, or correct the name."),
        E::NoRemote { known, .. } if known.is_empty() => "The environment names no chart from elsewhere.".into(),
        E::NoRemote { known, .. } => format!("There are {}.", list(known)),
        E::NoRelease { known, .. } => format!("It has {}.", list(known)),
        E::InputMissing { variable, .. } => format!("Set `{variable}`, or give the input a `default`."),
        E::NothingSelected { labels, .. } if !labels.is_empty() => {
            format!("Its releases have the labels {}.", list(labels))
        }
        _ => fixed(error).to_owned(),
    })
}

/// Hints that are always the same.
fn fixed(error: &ProjectError) -> &'static str {
    use ProjectError as E;
    match error {
        E::Reserved { .. } => {
            "What all environments share stands in `environments/defaults.yaml`; move the values into the release's \
             `values:` there."
        }
        E::NotAChart { .. } => {
            "Name a chart of `charts/`, or write `{repo, name, version}`, `oci://HOST/PATH/NAME:VERSION`, \
             `https://HOST/FILE.tgz` or `{git, rev, path}`."
        }
        E::BadLock { .. } => "Take it back from git, or remove it and run `weft sources lock`.",
        E::InheritCycle { .. } => "Remove one of these `inherits`.",
        E::ClusterCycle { .. } => "Name at least one of these clusters by a context, a server or `inCluster`.",
        E::NotInDefaults { .. } => "Move it into the `environment.yaml` of each environment.",
        E::NotALabel { .. } => {
            "Use at most 63 lower-case letters, digits and dashes, beginning and ending with a letter or a digit."
        }
        E::NotADuration { .. } => {
            "Write hours, minutes and seconds, such as `90s`, `5m` or `1h30m`; `wait: false` waits for nothing."
        }
        E::NotAHealthTest { .. } => "Write the type and the status of a condition, such as `Ready=True`.",
        E::NotAnExpression { .. } => {
            "Write CEL in which the object is `self`, such as `self.status.phase == 'Running'`; a failure may also be a \
             condition, such as `Stalled=True`."
        }
        E::NotAFieldPath { .. } => {
            "Write it as `weft diff` prints it, with `*` for any key or item, such as \
             `spec.template.spec.containers[*].image`."
        }
        E::MisusedRule { hint, .. } => hint,
        E::NotAValuesFile { .. } => {
            "Values come from `.yaml`, `.yml` and `.json` files, and from templates of them with `.j2` behind that."
        }
        E::NeedUnknown { .. } => "Declare the release, or remove the need.",
        E::ValuesForNoRelease { .. } => {
            "Files here are loaded for the release of their name; name it so, or name it in a release's `values:`."
        }
        E::NotThere { .. } => "Select others, or change what the condition reads.",
        E::NotACondition { .. } => "Compare the value with something, such as `values.domain != ''`.",
        E::NothingSelected { .. } => "Its releases have no labels; select them by name.",
        _ => "Correct the condition, or set the value that it reads.",
    }
}

/// What to add to a rule.
fn completed(rule: &str, key: &str) -> &'static str {
    match key {
        "paths" if rule == "an exposure rule" => "Add `paths`: the fields that may show a secret value.",
        "paths" => "Add `paths`, `manager` or both; or `default`, the name of a shipped rule.",
        "kind" if rule == "a health rule" => {
            "Add `kind`: the objects that it is about, such as `Database.example.com`."
        }
        "condition" => "Add `condition`, `current`, `failed` or `timeout`.",
        "manager" => "Add `manager` (who owns the fields), `paths` or both.",
        "kind" => "Add the `kind` of the objects that may be made again.",
        "do" if rule == "a conflict rule" => {
            "Add `do: take` (the repository decides), `do: adopt` (the owner decides) or `do: stop` (a person decides)."
        }
        "do" => "Add `do: leave` (the field is not sent) or `do: hide` (a difference does not count).",
        _ => "Add a `reason`: it is shown wherever the rule is used.",
    }
}

fn near(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("Did you mean `{name}`?"))
}

fn environment(name: &str, known: &[String]) -> String {
    if name == super::lineage::DEFAULTS {
        return "`environments/defaults.yaml` comes first by itself; remove the name.".into();
    }
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if known.is_empty() => format!("Create `environments/{name}/environment.yaml`."),
        None => format!("There are {}.", list(known)),
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
