//! `weft kustomize build`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::chart::RenderOptions;
use crate::cli::files::OutputFolder;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::keys;
use crate::kustomize::{self, Build, Id, Options};
use crate::pipeline::kustomize::OpenedFiles;
use crate::source::charts::Charts;
use crate::source::{self, Disk};
use crate::{schema::Gvk, value::Value, yaml};

/// Print what a kustomization comes to, as `kustomize build` does; secrets from encrypted files masked.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(in crate::cli) struct BuildArgs {
    /// The folder of the kustomization.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write to this file; into a folder, a file an object.
    #[arg(long, short = 'o', value_name = "PATH")]
    output: Option<PathBuf>,
    /// Which files a kustomization may name.
    #[arg(long, value_name = "RULE", default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: LoadRestrictor,
    /// The order of the objects, where `sortOptions` does not say it.
    #[arg(long, value_name = "ORDER", default_value = "legacy")]
    reorder: Reorder,
    /// Label all objects with `app.kubernetes.io/managed-by`.
    #[arg(long)]
    enable_managedby_label: bool,
    /// Taken for kustomize's sake: charts are rendered without it.
    #[arg(long, hide = true)]
    enable_helm: bool,
    /// Taken for kustomize's sake: no program is run.
    #[arg(long, hide = true, value_name = "COMMAND")]
    helm_command: Option<String>,
    /// Taken for kustomize's sake: plugins are refused where a kustomization names one.
    #[arg(long, hide = true)]
    enable_alpha_plugins: bool,
    /// The same.
    #[arg(long, hide = true)]
    enable_exec: bool,
    /// A file of age identities, or a folder of them. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// Which files a kustomization may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LoadRestrictor {
    /// Those in and below its folder.
    #[value(name = "LoadRestrictionsRootOnly", alias = "rootOnly")]
    RootOnly,
    /// All.
    #[value(name = "LoadRestrictionsNone", alias = "none")]
    None,
}

/// The order of the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reorder {
    /// As the kustomizations name them.
    None,
    /// Namespaces first, webhooks last.
    Legacy,
}

pub(super) fn run(args: &BuildArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let options = Options {
        legacy_order: args.reorder == Reorder::Legacy,
        managed_by: args.enable_managedby_label,
        unrestricted: args.load_restrictor == LoadRestrictor::None,
        making: RenderOptions {
            now: source::commit_time(&settings::absolute(&args.folder)).unwrap_or(0),
            ..RenderOptions::default()
        },
    };
    let folder = settings::absolute(&args.folder);
    let folder = folder.to_string_lossy();
    let build = kustomize::build(Arc::new(unlocked(args)), folder.trim_start_matches('/'), &options)?;
    for warning in &build.warnings {
        terminal.warn(warning);
    }
    if build.placeholders {
        terminal.warn("Charts make up passwords, keys or certificates: placeholders stand there.");
    }
    match &args.output {
        Some(path) if path.is_dir() => write_each(path, &build)?,
        Some(path) => files::write(path, build.to_yaml())?,
        None => terminal.print(&build.to_yaml())?,
    }
    Ok(Exit::Done)
}

fn unlocked(args: &BuildArgs) -> OpenedFiles {
    let identities: Vec<PathBuf> = args.identities.iter().map(|path| settings::absolute(path)).collect();
    let find = move || {
        let variables = settings::process();
        let process = keys::Process::new(&|name| variables.get(name).cloned());
        Ok(keys::find(
            &keys::Sources { files: &identities, project: None, process: &process },
            settings::own().keys()?,
        )?)
    };
    let here = settings::absolute(Path::new("."));
    let here = here.canonicalize().unwrap_or(here);
    let charts = Charts::new(&settings::own());
    OpenedFiles::new(Arc::new(Disk { here, charts }), Box::new(find))
}

/// Writes a file an object, under kustomize's names.
fn write_each(folder: &Path, build: &Build) -> Result<(), Failure> {
    let output = OutputFolder::new(folder);
    let namespaces: BTreeSet<String> = build.resources.iter().filter_map(namespace).collect();
    for object in &build.resources {
        let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let Gvk { group, version, kind } = Gvk::new(&text(&["apiVersion"]), &text(&["kind"]));
        let parts = [group, version, kind, text(&["metadata", "name"])];
        let name = parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("_");
        let prefix = namespace(object).filter(|_| namespaces.len() > 1).map(|it| format!("{it}_")).unwrap_or_default();
        output.write(&files::file_name(&format!("{prefix}{name}.yaml")), yaml::write(object))?;
    }
    Ok(())
}

/// The namespace that an object is in; `None` for one that has none.
fn namespace(object: &Value) -> Option<String> {
    let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(text(&["apiVersion"]), text(&["kind"]));
    let id = Id::new(gvk, text(&["metadata", "name"]), text(&["metadata", "namespace"]));
    (!id.cluster).then(|| id.effective_namespace().to_lowercase())
}
