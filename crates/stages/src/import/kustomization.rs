//! Overlays -> environments.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::Drafting;
use super::entry::{Release, word};
use super::names::unique;
use super::{Draft, Encryption, ImportError, Repository, Rules};
use crate::kustomize::{self, Build, Files, KustomizeError, Options};
use weft_base::diagnostic::{Diagnostic, counted};
use weft_base::value::Value;

/// Which overlays are imported, and how.
#[derive(Clone)]
pub struct Overlays<'a> {
    /// The folder that they are in; empty for the root.
    pub folder: &'a str,
    /// The name of the release.
    pub release: &'a str,
    /// What kustomizations are read from: the files of the repository, and what they name elsewhere.
    pub files: Arc<dyn Files>,
}

/// Makes an environment of each overlay. One that cannot be built becomes a note.
pub fn kustomization(
    repository: &Repository,
    overlays: &Overlays<'_>,
    rules: &Rules,
    encryption: Encryption<'_>,
) -> Result<Draft, ImportError> {
    let mut draft = Drafting::new(repository.project(), rules, encryption);
    let shown = if overlays.folder.is_empty() { "." } else { overlays.folder };
    let found = kustomize::overlays(repository.files(), overlays.folder);
    if found.is_empty() {
        return Err(ImportError::NoKustomization { folder: shown.to_owned() });
    }
    let mut reasons = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for overlay in &found {
        let place = if overlay.is_empty() { "." } else { overlay };
        let built = match build(&overlays.files, overlay) {
            Ok(built) => built,
            Err(error) => {
                let reason = Diagnostic::of(&error).reason();
                reasons.push(format!("`{place}` is left out, since it cannot be built: {reason}."));
                continue;
            }
        };
        let name = unique(&environment(overlays.folder, overlay), |it| names.iter().any(|taken| taken == it));
        names.push(name.clone());
        let mut source = format!("  kustomization: {}\n", word(place));
        if built.unrestricted {
            source.push_str("  loadRestrictor: LoadRestrictionsNone\n");
        }
        let objects = built.build.resources.len();
        if objects == 0 {
            draft.note(format!("`{place}` has {}.", counted(objects, "object")));
        }
        let release = Release::new(overlays.release, &namespace(&built.build)).with(&source);
        draft.environment(&name, None, &[release])?;
    }
    if names.is_empty() {
        return Err(ImportError::NothingBuilt { folder: shown.to_owned(), reasons });
    }
    for reason in reasons {
        draft.note(reason);
    }
    Ok(draft.finish())
}

/// What an overlay comes to.
struct Built {
    build: Build,
    /// Whether it names files outside of its folder.
    unrestricted: bool,
}

/// Builds an overlay; without the load restrictor if it needs files outside of its folder.
fn build(files: &Arc<dyn Files>, overlay: &str) -> Result<Built, KustomizeError> {
    match kustomize::build(Arc::clone(files), overlay, &Options::default()) {
        Ok(build) => Ok(Built { build, unrestricted: false }),
        Err(error) if error.is_restriction() => {
            let options = Options { unrestricted: true, ..Options::default() };
            let build = kustomize::build(Arc::clone(files), overlay, &options)?;
            Ok(Built { build, unrestricted: true })
        }
        Err(error) => Err(error),
    }
}

/// What an overlay is called: its path below the folder of overlays, or else the folder itself.
fn environment(folder: &str, overlay: &str) -> String {
    let below = overlay.strip_prefix(folder).unwrap_or(overlay).trim_matches('/');
    match (below, folder.rsplit('/').next()) {
        ("", None | Some("")) => "default".to_owned(),
        ("", Some(last)) => last.to_owned(),
        (below, _) => below.to_owned(),
    }
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
