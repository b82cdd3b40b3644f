//! `--changed-since`: which releases a run is about, from two revisions.

use std::collections::BTreeMap;

use super::arguments::{ChangedArgs, ProjectArgs, SelectArgs, SetArgs};
use super::settings;
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::pipeline::{self, EnvironmentChange};

/// What a change touches of each of these environments; `None` where nobody asked. Where it was asked why, that is said
/// of each release.
pub(super) fn touched(
    environments: &[String],
    changed: &ChangedArgs,
    project: &ProjectArgs,
    (select, set): (&SelectArgs, &SetArgs),
    terminal: &Terminal,
) -> Result<Option<BTreeMap<String, EnvironmentChange>>, Failure> {
    let Some(revision) = &changed.changed_since else { return Ok(None) };
    let base = ProjectArgs { at: Some(revision.clone()), ..project.clone() };
    let mut all = BTreeMap::new();
    for environment in environments {
        let base = settings::offline(environment, &base, select, set)?;
        let head = settings::offline(environment, project, select, set)?;
        let change = pipeline::touched(base, head)?;
        let touched = &change.touched;
        if changed.why {
            let lines = touched.releases.iter().map(|it| format!("{environment}: {it}"));
            lines.for_each(|line| terminal.say(&line));
        }
        if touched.is_empty() {
            terminal.say(&format!("{environment}: no release is touched since `{revision}`"));
        }
        all.insert(environment.clone(), change);
    }
    Ok(Some(all))
}

/// The selection of what is touched. It must not be empty: nothing selected is everything.
pub(super) fn selected(change: EnvironmentChange) -> SelectArgs {
    let EnvironmentChange { touched, declared } = change;
    let releases = touched.names();
    let gone = touched.gone();
    SelectArgs { releases, labels: Vec::new(), gone, touched: Some(touched), declared }
}
