//! Which releases of an environment a run is about: by `when`, by name, by label.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Environment, ProjectError, Release};
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Map, Value};

/// What the command line asks for. Nothing asks for everything; names and labels together ask for the named ones that
/// have the labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Names; a release is chosen by any of them.
    pub releases: Vec<String>,
    /// Labels with their values; a release needs all of them.
    pub labels: Vec<(String, String)>,
    /// Releases that the repository does not have any more, and that a run is about all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

impl Selection {
    /// Whether it asks for everything.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Leaves the releases whose `when` holds and that are selected, in the same order.
///
/// A need that is not among them is skipped, and what it needs in turn is needed instead, so that the order between the
/// rest stays: a release whose condition does not hold is thought to be there already or not to matter. To select one
/// by name is an error, as is a selection that leaves nothing; an environment without releases is none.
pub fn select(
    mut environment: Environment,
    selection: &Selection,
    inputs: &BTreeMap<String, String>,
) -> Result<Environment, ProjectError> {
    refuse_unknown(&environment, selection)?;
    let context = context(&environment, inputs);
    let mut chosen = BTreeSet::new();
    for release in &environment.releases {
        let there = holds(release, &context)?;
        let named = selection.releases.iter().any(|name| **name == *release.name);
        if let (false, true, Some((when, origin))) = (there, named, &release.when) {
            let release = release.name.to_string();
            let when = when.clone();
            let origin = origin.clone();
            return Err(ProjectError::NotThere { release, when, origin });
        }
        if there && matches(release, named, selection) {
            chosen.insert(Arc::clone(&release.name));
        }
    }
    if chosen.is_empty() && !selection.is_all() && selection.gone.is_empty() {
        return Err(nothing(&environment, selection));
    }
    close_needs(&mut environment.releases, &chosen);
    environment.releases.retain(|release| chosen.contains(&release.name));
    Ok(environment)
}

/// As [`select`], for what the cluster has: the second part are the names that were asked for and that the environment
/// does not have, or whose `when` does not hold. Only a selection by names alone leaves any.
pub fn select_any(
    mut environment: Environment,
    selection: &Selection,
    inputs: &BTreeMap<String, String>,
) -> Result<(Environment, Vec<String>), ProjectError> {
    let context = context(&environment, inputs);
    let mut there = BTreeSet::new();
    for release in &environment.releases {
        if holds(release, &context)? {
            there.insert(release.name.to_string());
        }
    }
    let names = selection.releases.iter().cloned();
    let (releases, left): (Vec<String>, Vec<String>) = names.partition(|name| there.contains(name));
    if left.is_empty() || !selection.labels.is_empty() {
        return Ok((select(environment, selection, inputs)?, Vec::new()));
    }
    if releases.is_empty() {
        environment.releases.clear();
        return Ok((environment, left));
    }
    Ok((select(environment, &Selection { releases, ..Selection::default() }, inputs)?, left))
}

fn refuse_unknown(environment: &Environment, selection: &Selection) -> Result<(), ProjectError> {
    let known: Vec<&str> = environment.releases.iter().map(|release| &*release.name).collect();
    let Some(name) = selection.releases.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    Err(ProjectError::NoRelease {
        name: name.clone(),
        environment: environment.name.clone(),
        nearest: nearest(name, known.iter().copied()).map(str::to_owned),
        known: known.into_iter().map(str::to_owned).collect(),
    })
}

fn nothing(environment: &Environment, selection: &Selection) -> ProjectError {
    let pair = |(key, value): (&String, &String)| format!("{key}={value}");
    let labels: BTreeSet<String> = environment.releases.iter().flat_map(|it| it.labels.iter().map(pair)).collect();
    ProjectError::NothingSelected {
        environment: environment.name.clone(),
        asked: selection.labels.iter().map(|(key, value)| format!("{key}={value}")).collect(),
        labels: labels.into_iter().collect(),
    }
}

fn matches(release: &Release, named: bool, selection: &Selection) -> bool {
    let labelled = |(key, value): &(String, String)| release.labels.get(key) == Some(value);
    let unnamed = selection.releases.is_empty() && (selection.gone.is_empty() || !selection.labels.is_empty());
    (named || unnamed) && selection.labels.iter().all(labelled)
}

/// What a condition sees: `values`, `environment` (the name) and `inputs`.
fn context(environment: &Environment, inputs: &BTreeMap<String, String>) -> Value {
    let inputs: Map = inputs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let context: [(&str, Value); 3] = [
        ("values", environment.values.clone()),
        ("environment", environment.name.as_str().into()),
        ("inputs", inputs.into()),
    ];
    context.into_iter().collect::<Map>().into()
}

fn holds(release: &Release, context: &Value) -> Result<bool, ProjectError> {
    let Some((when, origin)) = &release.when else { return Ok(true) };
    let value = weft_jinja::expression(when, context, origin).map_err(|source| {
        let release = release.name.to_string();
        let when = when.clone();
        ProjectError::Condition { release, when, source }
    })?;
    match value.data {
        Data::Bool(holds) => Ok(holds),
        _ => Err(ProjectError::NotACondition {
            release: release.name.to_string(),
            when: when.clone(),
            kind: value.kind(),
            origin: origin.clone(),
        }),
    }
}

/// Replaces needs that are not chosen by what they need in turn.
fn close_needs(releases: &mut [Release], chosen: &BTreeSet<Arc<str>>) {
    // Releases come after their needs, so those of a need are already closed when it is looked up.
    let mut closed: HashMap<String, Vec<String>> = HashMap::new();
    for release in releases {
        let mut needs: Vec<String> = Vec::new();
        for need in std::mem::take(&mut release.needs) {
            let instead = if chosen.contains(need.as_str()) {
                vec![need]
            } else {
                closed.get(&need).cloned().unwrap_or_default()
            };
            for need in instead {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
        closed.insert(release.name.to_string(), needs.clone());
        release.needs = needs;
    }
}
