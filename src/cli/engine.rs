//! What another version of this program renders of the same project: `weft render ENV -o FOLDER` is what both keep to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use thiserror::Error;

use super::arguments::{SetArgs, TargetArgs};
use super::{render, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::manifest::{Object, ObjectId};
use crate::pipeline::{self, Revision};
use crate::plan::{self, Objects, Plan};
use crate::schema::Gvk;
use crate::source;
use crate::value::Value;
use crate::yaml::{self, Rules};

/// The other program does not do what it should.
#[derive(Debug, Error)]
enum EngineError {
    /// It cannot be started.
    #[error("cannot run `{}`", program.display())]
    Start {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It does not render the project.
    #[error("`{} render` failed:\n{}", program.display(), said.trim_end())]
    Failed { program: PathBuf, said: String },
    /// There is no place for what it writes.
    #[error("cannot make a folder for what the other program renders")]
    Folder(#[source] std::io::Error),
    /// What it writes is no object.
    #[error("`{file}` of the other program is no object: {reason}")]
    NoObject { file: String, reason: String },
}

impl Diagnose for EngineError {
    fn kind(&self) -> Kind {
        match self {
            Self::Failed { .. } | Self::NoObject { .. } => Kind::Input,
            Self::Start { .. } | Self::Folder(_) => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start { .. } => Some("Name the file of another version of Weft.".into()),
            Self::Failed { .. } => Some("Run it by itself to see what it needs; it was asked to `render`.".into()),
            Self::NoObject { .. } | Self::Folder(_) => None,
        }
    }
}

/// What this program renders in place of what `program` does; `head` is ours.
pub(super) fn compare(program: &Path, target: &TargetArgs, set: &SetArgs, head: Revision) -> Result<Plan, Failure> {
    let (environment, objects) = head.parts();
    let ours = objects.iter().map(|it| written(&it.release, &render::document(it), &it.origin.to_string()));
    let ours = ours.collect::<Result<Objects, EngineError>>()?;
    let theirs = theirs(program, target, set)?;
    Ok(plan::of_revisions((&environment, theirs), (&environment, &ours), &pipeline::fresh_key()?))
}

fn theirs(program: &Path, target: &TargetArgs, set: &SetArgs) -> Result<Objects, Failure> {
    let folder = tempfile::tempdir().map_err(EngineError::Folder)?;
    let mut command = Command::new(program);
    command.arg("render").arg(&target.environment).arg("-o").arg(folder.path()).args(arguments(target, set));
    let output = command.output();
    let output = output.map_err(|source| EngineError::Start { program: program.to_path_buf(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(EngineError::Failed { program: program.to_path_buf(), said }.into());
    }
    let (files, name) = source::folder_of(folder.path())?;
    let mut objects = Objects::new();
    for path in files.paths() {
        let file = path.strip_prefix(&format!("{name}/")).unwrap_or(path);
        let release: Arc<str> = file.split('/').next().unwrap_or_default().into();
        objects.push(written(&release, files.text(path)?, file)?);
    }
    Ok(objects)
}

/// The options by which the other program reads the same project. `--rev` is what all versions call the revision.
fn arguments(target: &TargetArgs, set: &SetArgs) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["--project".into(), settings::absolute(&target.project.project).into()];
    let mut add = |option: &str, text: &str| all.extend([OsString::from(option), OsString::from(text)]);
    target.project.at.iter().for_each(|it| add("--rev", it));
    target.select.releases.iter().for_each(|it| add("--release", it));
    target.select.labels.iter().for_each(|(key, value)| add("--label", &format!("{key}={value}")));
    set.pairs().iter().for_each(|(option, text)| add(option, text));
    target.project.identities.iter().for_each(|it| all.extend(["--identity".into(), settings::absolute(it).into()]));
    all
}

/// An object as it was written, masks and all.
fn written(release: &Arc<str>, text: &str, file: &str) -> Result<Arc<Object>, EngineError> {
    let wrong = |reason: String| EngineError::NoObject { file: file.to_owned(), reason };
    let body = yaml::document(text.trim_start_matches("---\n"), &Arc::new(file.to_owned()), Rules::Strict);
    let body = body.map_err(|error| wrong(error.to_string()))?;
    let field = |path: &[&str]| body.dig(path).and_then(Value::as_str).map(str::to_owned);
    let version = field(&["apiVersion"]).unwrap_or_default();
    let kind = field(&["kind"]).unwrap_or_default();
    let name = field(&["metadata", "name"]).ok_or_else(|| wrong("it has no name".to_owned()))?;
    let gvk = Gvk::new(&version, &kind);
    let id = ObjectId { kind: gvk.group_kind(), namespace: field(&["metadata", "namespace"]), name };
    let origin = body.origin.clone();
    Ok(Arc::new(Object { id, gvk, release: Arc::clone(release), body, origin, implicit: false }))
}
