//! What to do about a [`ProjectError`].

use super::ProjectError;
use crate::diagnostic::{Diagnose, nearest};

/// The next step, as a full sentence.
pub(super) fn of(error: &ProjectError) -> Option<String> {
    use ProjectError as E;
    Some(match error {
        E::Yaml(inner) => return inner.hint(),
        E::Tree(inner) => return inner.hint(),
        E::Jinja(inner) => return inner.hint(),
        E::File { source, nearest, .. } => return near(nearest.as_deref()).or_else(|| source.hint()),
        E::NoEnvironment { name, known, .. } => environment(name, known),
        E::Reserved { .. } => "What all environments share stands in `environments/defaults.yaml`; move the values into the release's `values:` there.".into(),
        E::InheritCycle { .. } => "Remove one of these `inherits`.".into(),
        E::ClusterCycle { .. } => "Name at least one of these clusters by a context, a server or `inCluster`.".into(),
        E::NotInDefaults { .. } => "Move it into the `environment.yaml` of each environment.".into(),
        E::NotYet { instead, .. } => (*instead).into(),
        E::Contradiction { first, second, .. } => format!("Remove `{first}` or `{second}`."),
        E::WrongKind { expected, .. } => format!("Write {expected}."),
        E::NotALabel { .. } => "Use at most 63 lower-case letters, digits and dashes, beginning and ending with a letter or a digit.".into(),
        E::NotADuration { .. } => "Write hours, minutes and seconds, such as `90s`, `5m` or `1h30m`; `wait: false` waits for nothing.".into(),
        E::NotAValuesFile { .. } => "Values come from `.yaml`, `.yml` and `.json` files, and from templates of them with `.j2` behind that.".into(),
        E::SecretElsewhere { folder, .. } => format!("An environment reads only its own secrets: name a file of `{folder}/` by its path from there."),
        E::Duplicate { first, .. } => format!("The first declaration is at {first}; rename or remove one."),
        E::MissingField { what, .. } => format!("Add {what} to the release."),
        E::NeedUnknown { nearest, .. } => near(nearest.as_deref()).unwrap_or_else(|| "Declare the release, or remove the need.".into()),
        E::NeedDisabled { need, disabled, .. } => format!("`{need}` is disabled at {disabled}; enable it, or remove the need."),
        E::NeedCycle { steps, .. } => format!("Remove one of these needs:\n{}", steps.join("\n")),
        E::ValuesForNoRelease { nearest, .. } => match nearest {
            Some(name) => format!("Files here are loaded for the release of their name; rename it to `{name}.yaml` if that is meant."),
            None => "Files here are loaded for the release of their name; name it so, or name it in a release's `values:`.".into(),
        },
        E::NoSource { nearest, path, .. } => near(nearest.as_deref()).unwrap_or_else(|| format!("Create `{path}`, or correct the name.")),
        E::InputMissing { variable, .. } => format!("Set `{variable}`, or give the input a `default`."),
        E::NoRelease { nearest, known, .. } => near(nearest.as_deref()).unwrap_or_else(|| format!("It has {}.", list(known))),
        E::NotThere { .. } => "Select others, or change what the condition reads.".into(),
        E::NotACondition { .. } => "Compare the value with something, such as `values.domain != ''`.".into(),
        E::NothingSelected { labels, .. } if labels.is_empty() => "Its releases have no labels; select them by name.".into(),
        E::NothingSelected { labels, .. } => format!("Its releases have the labels {}.", list(labels)),
    })
}

fn near(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("did you mean `{name}`?"))
}

fn environment(name: &str, known: &[String]) -> String {
    if name == super::lineage::DEFAULTS {
        return "`environments/defaults.yaml` comes first by itself; remove the name.".into();
    }
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("Create `environments/{name}/environment.yaml`."),
        None => format!("There are {}.", list(known)),
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
