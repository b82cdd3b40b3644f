//! `weft import kustomization`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::{Failure, counted};
use crate::kustomize::{self, Build, KustomizeError, Options};
use crate::source;
use crate::value::{Origin, Value};

/// Make an environment of each overlay: one release, whose objects are what the overlay comes to.
///
/// The overlays are those kustomizations at and below the folder that no other one names.
#[derive(Debug, Args)]
pub(super) struct KustomizationArgs {
    /// The folder with the overlays, below the root of the repository.
    folder: PathBuf,
    /// The root of the repository, where `environments/` is or will be.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// The name of the release.
    #[arg(long, value_name = "NAME", default_value = "app")]
    release: String,
}

pub(super) fn run(args: &KustomizationArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let root = settings::absolute(&args.project);
    let (tree, top) = source::folder_of(&root)?;
    let tree = tree.below(&top);
    let folder = args.folder.strip_prefix(&root).unwrap_or(&args.folder).to_string_lossy();
    let folder = folder.trim_start_matches("./").trim_end_matches('/').to_owned();
    let overlays = kustomize::overlays(&tree, if folder == "." { "" } else { &folder });
    if overlays.is_empty() {
        return Err(KustomizeError::NoFileInFolder { folder, origin: Origin::default() }.into());
    }
    let files: Arc<dyn kustomize::Files> = Arc::new(tree);
    let mut made = Vec::new();
    for overlay in &overlays {
        let build = kustomize::build(Arc::clone(&files), overlay, &Options::default())?;
        let name = overlay.rsplit('/').next().filter(|it| !it.is_empty()).unwrap_or("default");
        let path = root.join("environments").join(name).join("environment.yaml");
        let text = format!(
            "releases:\n- name: {}\n  namespace: {}\n  kustomization: {}\n",
            args.release,
            namespace(&build),
            if overlay.is_empty() { "." } else { overlay }
        );
        made.push((path, text, build.resources.len()));
    }
    for (path, text, objects) in &made {
        files::create(path, text, false)?;
        let (path, objects) = (path.strip_prefix(&root).unwrap_or(path).display(), counted(*objects, "object"));
        terminal.print(&format!("{path}: {objects}\n"))?;
    }
    terminal.say("Next: name the `cluster` of each environment, and compare with `weft plan`.");
    Ok(Exit::Done)
}

/// The namespace that most objects are in.
fn namespace(build: &Build) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &build.resources {
        if let Some(namespace) = object.dig(&["metadata", "namespace"]).and_then(Value::as_str) {
            *counts.entry(namespace).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(|| "default".to_owned(), |(namespace, _)| namespace.to_owned())
}
