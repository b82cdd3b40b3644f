//! `weft render`.

use std::path::PathBuf;

use clap::Args;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::arguments::{ChangedArgs, ProjectArgs, SelectArgs, SetArgs};
use super::files::{OutputFolder, file_name};
use super::kept::{Printed, RenderCache};
use super::terminal::{Terminal, TerminalError};
use super::{Exit, changed, settings};
use crate::diagnostic::{Failure, counted, harmless_line};
use crate::manifest::Object;
use crate::masked::SecretFinder;
use crate::pipeline::{self, ReleaseValues, Revision, Settings};
use crate::project::ReleaseSource;
use crate::yaml;

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The environment.
    environment: String,
    /// Write a file an object into this folder, instead of printing them.
    #[arg(long, short = 'o', value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    changed: ChangedArgs,
    /// Render everything, and neither use nor keep what an earlier run printed.
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &RenderArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let environment = std::slice::from_ref(&args.environment);
    let ask = (&args.select, &args.set);
    let touched = changed::touched(environment, &args.changed, &args.project, ask, terminal)?;
    let select = match touched.and_then(|it| it.into_values().next()) {
        None => args.select.clone(),
        Some(change) if change.touched.names().is_empty() => return Ok(Exit::Done),
        // What is kept names all that this run itself has read.
        Some(change) => SelectArgs { gone: Vec::new(), declared: None, ..changed::selected(change) },
    };
    let settings = settings::offline(&args.environment, &args.project, &select, &args.set)?;
    let kept = if args.no_cache { None } else { RenderCache::of(&settings) };
    let found = kept.as_ref().and_then(|it| it.find(&settings));
    let warn = |it: &String| terminal.warn(it);
    let (objects, releases) = match (found, &args.output) {
        (Some(found), None) => {
            found.warnings().iter().for_each(warn);
            terminal.copy(&mut found.text().map_err(TerminalError::Output)?)?;
            found.counts()
        }
        (found, output) => {
            let printed = match found.and_then(|it| it.printed().ok()) {
                Some(printed) => printed,
                None => rendered(&settings, kept.as_ref())?,
            };
            printed.warnings.iter().for_each(warn);
            match output {
                None => terminal.print(&printed.text)?,
                Some(folder) => {
                    let folder = OutputFolder::new(folder);
                    let parts = printed.parts();
                    parts.par_iter().try_for_each(|(path, text)| folder.write(path, text))?;
                }
            }
            (printed.objects.len(), printed.releases)
        }
    };
    let objects = counted(objects, "object");
    let releases = counted(releases, "release");
    terminal.say(&format!("{}: {objects} of {releases}", args.environment));
    Ok(Exit::Done)
}

/// Renders, and keeps what is printed where all that went into it is known.
fn rendered(settings: &Settings, kept: Option<&RenderCache>) -> Result<Printed, Failure> {
    let Revision { project, rendering } = pipeline::revision(settings)?;
    let desired = &rendering.desired;
    let objects: Vec<&Object> = desired.with_hooks().collect();
    let texts: Vec<String> = objects.par_iter().map(|it| document(it)).collect();
    let path = |it: &Object| format!("{}/{}", file_name(&it.release), name_of_file(it));
    let printed = Printed {
        text: texts.concat(),
        objects: objects.iter().zip(&texts).map(|(it, text)| (path(it), text.len())).collect(),
        warnings: desired.warnings.clone(),
        releases: rendering.releases.len(),
    };
    // A kustomization may be made of what stands elsewhere, under a name that may mean something else tomorrow.
    let known = |it: &ReleaseValues| !matches!(it.release.source, ReleaseSource::Kustomization(_));
    // What a mask missed must not stay on a disk.
    let secrets = SecretFinder::of(rendering.releases.iter().map(|it| &it.values.merged));
    let is_clear = secrets.read_in(&printed.text).is_empty();
    if let Some(kept) = kept.filter(|_| is_clear && rendering.releases.iter().all(known)) {
        let variables = project.environment.inputs.values().map(|it| it.env.clone()).collect();
        kept.keep(settings, &project.tree, variables, &printed);
    }
    Ok(printed)
}

/// One document of the output, headed by where it comes from.
pub(super) fn document(object: &Object) -> String {
    let head = format!("{} of release {} from {}", object.id, object.release, object.origin);
    format!("---\n# {}\n{}", harmless_line(&head), yaml::write(&object.body))
}

fn name_of_file(object: &Object) -> String {
    let namespace = object.id.namespace.as_ref().map_or(String::new(), |it| format!("{it}."));
    let kind = object.id.kind.to_string().to_lowercase();
    file_name(&format!("{namespace}{kind}.{}.yaml", object.id.name)).replace(':', "_")
}
