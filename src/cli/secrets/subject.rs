//! The file that a verb is about, with the project around it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::error::SecretsVerbError;
use crate::cli::{files, settings};
use crate::diagnostic::Failure;
use crate::keys;
use crate::project::ProjectError;
use crate::secrets::{self, File, Format, Identities, RULES, Rule, Rules};
use crate::source::{ENVIRONMENTS, Source};

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The file.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
}

// With which keys files are opened.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// The environment whose `identity:` may be used. Without it, the one in whose folder under `secrets/` a file is.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    pub(super) identities: Vec<PathBuf>,
}

/// The folder with the rules for a file or a folder.
pub(super) fn rules_folder(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| folder.join(RULES).is_file())
}

/// The rules of a folder that has them, and their text.
pub(super) fn rules(folder: &Path) -> Result<(Rules, String), Failure> {
    let text = files::read(&folder.join(RULES))?;
    Ok((secrets::rules(&text, &Arc::new(RULES.to_owned()))?, text))
}

/// A path as rules are asked for it: relative to their folder.
pub(super) fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

/// The file of a verb, and the project around it, if there is one.
pub(super) struct Subject {
    pub(super) path: PathBuf,
    /// Relative to the project's root.
    pub(super) name: Arc<String>,
    /// The project's root.
    root: Option<PathBuf>,
    environment: Option<String>,
}

impl Subject {
    pub(super) fn new(args: &FileArgs) -> Self {
        Self::at(&args.file, &args.keys)
    }

    pub(super) fn at(file: &Path, keys: &KeyArgs) -> Self {
        let path = settings::absolute(file);
        let root = path.ancestors().find(|folder| folder.join(ENVIRONMENTS).is_dir()).map(Path::to_path_buf);
        let inside = root.as_deref().or_else(|| rules_folder(&path)).and_then(|root| path.strip_prefix(root).ok());
        let name = inside.unwrap_or(file).to_string_lossy().into_owned();
        let folder =
            name.strip_prefix("secrets/").and_then(|rest| rest.split_once('/')).map(|(first, _)| first.to_owned());
        let environment = keys.environment.clone().or(folder);
        Self { path, name: Arc::new(name), root, environment }
    }

    /// What `.sops.yaml` says about the file.
    pub(super) fn rule(&self) -> Result<Rule, Failure> {
        let none = || SecretsVerbError::NoRules { path: self.path.clone() };
        let folder = rules_folder(&self.path).ok_or_else(none)?;
        let (rules, _) = rules(folder)?;
        Ok(rules.rule_for(&relative(&self.path, folder))?)
    }

    /// A file that is to be made as its rule says, with nothing in it yet.
    pub(super) fn blank(&self) -> Result<File, Failure> {
        let plain: &[u8] = if Format::of(&self.name) == Format::Json { b"{}" } else { b"" };
        Ok(File::new(plain, &self.name, &self.rule()?)?)
    }

    /// Whose throwaway key may be used, beside the keys of the user.
    pub(super) fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    pub(super) fn identities(&self, args: &KeyArgs) -> Result<Identities, Failure> {
        let variables = settings::process();
        let process = keys::Process::new(&|name| variables.get(name).cloned());
        let files: Vec<PathBuf> = args.identities.iter().map(|path| settings::absolute(path)).collect();
        let declared = self.declared_identity()?;
        let project = declared.as_ref().map(|(tree, path)| (tree, path.as_str()));
        Ok(keys::find(&keys::Sources { files: &files, project, process: &process }, settings::own().keys()?)?)
    }

    /// The throwaway key that the file's environment names. A file in no environment has none.
    fn declared_identity(&self) -> Result<Option<(crate::tree::Tree, String)>, Failure> {
        let (Some(root), Some(name)) = (&self.root, &self.environment) else { return Ok(None) };
        let source = Source::open(root, None)?;
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
