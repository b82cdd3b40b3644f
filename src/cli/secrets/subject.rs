//! The file that a verb is about, with the project around it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::error::SecretsVerbError;
use crate::cli::settings;
use crate::diagnostic::Failure;
use crate::keys;
use crate::project::ProjectError;
use crate::secrets::{self, Identities, Rule};
use crate::source::{ENVIRONMENTS, Source};

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The file.
    pub(super) file: PathBuf,
    /// The environment whose `identity:` may be used. Without it, the one in whose folder under `secrets/` the file is.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    pub(super) identities: Vec<PathBuf>,
}

/// The file with the rules, at the root of a project.
pub(super) const RULES: &str = ".sops.yaml";

/// The file of a verb, and the project around it, if there is one.
pub(super) struct Subject {
    pub(super) path: PathBuf,
    /// Relative to the project's root.
    pub(super) name: Arc<String>,
    source: Option<Source>,
    environment: Option<String>,
}

impl Subject {
    pub(super) fn new(args: &FileArgs) -> Self {
        let path = settings::absolute(&args.file);
        let source = path.parent().and_then(|folder| Source::open(folder, None).ok());
        let inside = source.as_ref().and_then(|it| path.strip_prefix(it.root()).ok());
        let name = inside.unwrap_or(&args.file).to_string_lossy().into_owned();
        let folder =
            name.strip_prefix("secrets/").and_then(|rest| rest.split_once('/')).map(|(first, _)| first.to_owned());
        let environment = args.environment.clone().or(folder);
        Self { path, name: Arc::new(name), source, environment }
    }

    /// What `.sops.yaml` says about the file.
    pub(super) fn rule(&self) -> Result<Rule, Failure> {
        let none = || SecretsVerbError::NoRules { path: self.path.clone() };
        let source = self.source.as_ref().ok_or_else(none)?;
        let tree = source.read([RULES])?;
        if !tree.contains(RULES) {
            return Err(none().into());
        }
        let rules = secrets::rules(tree.text(RULES)?, &Arc::new(RULES.to_owned()))?;
        Ok(rules.rule_for(&self.name)?)
    }

    pub(super) fn identities(&self, args: &FileArgs) -> Result<Identities, Failure> {
        let variables = settings::variables();
        let process = keys::Process::new(&|name| variables.get(name).cloned());
        let files: Vec<PathBuf> = args.identities.iter().map(|path| settings::absolute(path)).collect();
        let declared = self.declared_identity()?;
        let project = declared.as_ref().map(|(tree, path)| (tree, path.as_str()));
        Ok(keys::find(&keys::Sources { files: &files, project, process: &process })?)
    }

    /// The throwaway key that the file's environment names. A file in no environment has none.
    fn declared_identity(&self) -> Result<Option<(crate::tree::Tree, String)>, Failure> {
        let (Some(source), Some(name)) = (&self.source, &self.environment) else { return Ok(None) };
        let environments = source.read([ENVIRONMENTS])?;
        let path = match crate::project::load(&environments, name) {
            Ok(environment) => environment.identity,
            Err(ProjectError::NoEnvironment { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(path) = path else { return Ok(None) };
        Ok(Some((source.read([path.as_str()])?, path)))
    }
}
