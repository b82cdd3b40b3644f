//! `weft render`.

use std::path::PathBuf;

use clap::Args;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::arguments::{ChangedArgs, ProjectArgs, SelectArgs, SetArgs};
use super::terminal::Terminal;
use super::{Exit, changed, counted, files, settings};
use crate::diagnostic::Failure;
use crate::manifest::Object;
use crate::{pipeline, yaml};

/// Print the objects of an environment as YAML, secrets masked. Needs no cluster.
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
        Some(touched) if touched.names().is_empty() => return Ok(Exit::Done),
        Some(touched) => SelectArgs { gone: Vec::new(), ..changed::selected(touched) },
    };
    let settings = settings::offline(&args.environment, &args.project, &select, &args.set)?;
    let rendering = pipeline::revision(&settings)?.rendering;
    for warning in &rendering.desired.warnings {
        terminal.warn(warning);
    }
    let desired = &rendering.desired;
    let objects: Vec<&Object> = desired.objects.iter().chain(desired.hooks.iter().map(|it| &it.object)).collect();
    match &args.output {
        None => terminal.print(&objects.iter().map(|it| document(it)).collect::<String>())?,
        Some(folder) => objects.par_iter().try_for_each(|object| {
            let path = folder.join(&*object.release).join(file_name(object));
            files::write(&path, document(object))
        })?,
    }
    let (objects, releases) = (counted(objects.len(), "object"), counted(rendering.releases.len(), "release"));
    terminal.say(&format!("{}: {objects} of {releases}", args.environment));
    Ok(Exit::Done)
}

/// One document of the output, headed by where it comes from.
pub(super) fn document(object: &Object) -> String {
    format!("---\n# {} of release {} from {}\n{}", object.id, object.release, object.origin, yaml::write(&object.body))
}

fn file_name(object: &Object) -> String {
    let namespace = object.id.namespace.as_ref().map_or(String::new(), |it| format!("{it}."));
    format!("{namespace}{}.{}.yaml", object.id.kind.to_string().to_lowercase(), object.id.name.replace(':', "_"))
}
