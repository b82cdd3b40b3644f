//! The folder with the plans of a job.

use std::path::{Path, PathBuf};

use super::here::Here;
use crate::cli::many::{self, EnvironmentOutcome, Looked, Names};
use crate::cli::{files, wait};
use crate::diagnostic::Failure;
use crate::forge::{ARTEFACT, Artefact, EnvironmentPlan};
use crate::pipeline::{self, PlanInputs, Planned, Settings};
use crate::plan::Guards;
use crate::report::{self, Budget, Report};

/// The name of a plan's file in the folder.
fn file(environment: &str) -> String {
    format!("{}.plan.json", environment.replace('/', "_"))
}

/// The name of the file with all of its report.
pub(super) fn page(environment: &str) -> String {
    format!("{}.md", environment.replace('/', "_"))
}

/// Saves a plan in the folder, and all of its report.
pub(super) fn save(
    folder: &Path,
    (settings, planned): (&Settings, &Planned),
    guards: &Guards,
    report: &Report,
) -> Result<(), Failure> {
    files::replace(&folder.join(page(&settings.environment)), report::markdown(report, Budget::whole()))?;
    let warnings = report.warnings.clone();
    let made = PlanInputs { guards, set: Vec::new(), given: Vec::new(), warnings };
    let bytes = wait(pipeline::save(planned, settings, made))?;
    Ok(files::replace(&folder.join(file(&settings.environment)), bytes)?)
}

/// Writes what the plans in the folder were made of.
pub(super) fn record(
    folder: &Path,
    here: &Here,
    names: &Names,
    fates: &[EnvironmentOutcome<Looked>],
) -> Result<(), Failure> {
    let kept = |(environment, fate): (&String, &EnvironmentOutcome<Looked>)| {
        let looked = fate.as_ref().and_then(|it| it.as_ref().ok());
        EnvironmentPlan {
            environment: environment.clone(),
            plan: looked.map(|_| file(environment)).filter(|it| folder.join(it).is_file()),
            digest: looked.and_then(|it| it.report.digest.clone()),
            exit_code: fate.as_ref().map_or(1, |it| many::exit_of(it).code()),
        }
    };
    let kept = names.list.iter().zip(fates).map(kept).collect();
    let artefact = Artefact::new(&here.change.base, &here.change.head, &here.change.tree, kept);
    let text = serde_json::to_value(&artefact).map(|it| format!("{it:#}\n")).unwrap_or_default();
    Ok(files::replace(&folder.join(ARTEFACT), text)?)
}

/// Reads what the plans in a folder were made of.
pub(super) fn read(folder: &Path) -> Result<Artefact, Failure> {
    let path = folder.join(ARTEFACT);
    Ok(Artefact::read(&files::read(&path)?, &path.display().to_string())?)
}

/// The files of the plans of a folder, each with its environment.
pub(super) fn plans(folder: &Path, artefact: &Artefact) -> Vec<(String, PathBuf)> {
    let plan = |it: &EnvironmentPlan| Some((it.environment.clone(), folder.join(it.plan.as_ref()?)));
    artefact.environments.iter().filter_map(plan).collect()
}
