//! What to do about each error.

use super::KustomizeError as E;
use weft_base::diagnostic::Diagnose;

/// The next step after an error.
pub fn of(error: &E) -> Option<String> {
    let fixed = match error {
        E::NothingToChange { nearest: Some(near), .. }
        | E::NoMatch { nearest: Some(near), .. }
        | E::NoField { nearest: Some(near), .. }
        | E::NoReplicas { nearest: Some(near), .. } => return Some(format!("Did you mean `{near}`?")),
        E::Duplicate { first, .. } if first.file.is_some() => {
            return Some(format!("It is there before, at {first}. Name it once, or change it by a patch."));
        }
        E::NoKustomization { wanted, .. } => return Some(format!("Its `apiVersion` is `{wanted}`.")),
        E::OfChart(error) => return error.hint(),
        E::Shown(_) => return None,
        E::Patch(error) => return error.hint(),
        E::Yaml(error) => return error.hint(),
        E::Decrypt { diagnostic } => return diagnostic.hint.clone(),
        E::NoFileInFolder { folder, .. } if folder.starts_with("..") || folder.starts_with('/') => {
            "An environment names folders of its own repository: copy it there, or give the root above it by `--project`."
        }
        E::NoFileInFolder { .. } => "Add a `kustomization.yaml`, or name another folder.",
        E::TwoFiles { .. } => "Keep one of them.",
        E::Empty { .. } => "Name `resources`, or take the folder out.",
        E::WrongField { .. } => "Components stand in `components`, all others in `resources`.",
        E::NoFile { .. } | E::NoFolder { .. } => "Correct the path; it counts from the kustomization's folder.",
        E::Restricted { .. } => {
            "Move the file, name its folder as a base, or allow it: `loadRestrictor: LoadRestrictionsNone` in the release, \
             `--load-restrictor LoadRestrictionsNone` on the command line."
        }
        E::Cycle { .. } => "A kustomization cannot be its own base; take it out.",
        E::Repository { url, .. } if url.contains("ssh://") || (url.contains('@') && !url.contains("://")) => {
            "Repositories are not read by ssh: write the address with `https://`, or keep a copy in the repository."
        }
        E::Repository { .. } | E::Download { .. } => {
            "Check the address and the network, or keep a copy in the repository."
        }
        E::NotText { .. } => "Save the file as UTF-8.",
        E::NoObject { .. } | E::Missing { .. } | E::Items { .. } => {
            "An object has `apiVersion`, `kind` and `metadata.name`."
        }
        E::Duplicate { .. } => "Name it once, or change it by a patch.",
        E::NothingToChange { .. } => "Use `behavior: create`, or name one of the resources below.",
        E::NoMatch { .. } => "Name one of the resources, by the name that it has in its file or has now.",
        E::Ambiguous { .. } | E::AmbiguousName { .. } => "Give the namespace or the kind, too.",
        E::NoName { .. } | E::NoMap { .. } | E::Field { .. } | E::ConflictingFields { .. } => {
            "Correct the path in `configurations`, or the object."
        }
        E::NoField { is_target: false, .. } => "Correct the path: what it leads to is read.",
        E::NoField { .. } => "Correct the path, or use `options: {create: true}` where it is to be made.",
        E::Source { .. } => "Correct the entry of the generator.",
        E::NoReplicas { .. } => "Name a Deployment, StatefulSet, ReplicaSet or ReplicationController.",
        E::OddPath { .. } => "Check the indentation of the list: two entries may have become one.",
        E::BlankNamespace { .. } => "Write the namespace of the service account, or leave the field out.",
        E::Replacement { .. } => "A replacement has a `source` with one resource, and `targets` with `select`.",
        E::NoTarget { .. } => "Add a `target` with `kind` and `name`.",
        E::SeveralPatches { .. } => "Write an entry of `patches` for each document.",
        E::EmptyPatch { .. } | E::NoOperations { .. } => "Write the fields to be merged, or a list of operations.",
        E::Contradiction { what, .. } if what.contains("both") => "Keep one of the two.",
        E::Contradiction { .. } => "Change the field as described.",
        E::VariableTwice { .. } => "Give one of them another name.",
        E::VariableField { .. } => "Write the item as text, in quotes.",
        E::SortOptions { .. } => "`order` is `legacy` or `fifo`; `legacySortOptions` go with `legacy`.",
        E::OpenApi { .. } => "Use `version: v1.21.2`, or a `path` to a document.",
        E::Plugin { .. } => {
            "Run it outside, write what it makes to a file, and name that in `resources`: `kustomize build > rendered.yaml`."
        }
        E::WrongPlugin { .. } => "Move it to the other one of `generators` and `transformers`.",
        E::Validator { .. } => "Validators only look; use `transformers` for changes.",
        E::Chart { .. } => {
            "Keep a copy of the chart in the folder `charts`, or lock it with `weft sources lock` and keep it with \
             `weft sources vendor`."
        }
        E::NoChart { .. } => {
            "Put the chart there, name its folder in `helmGlobals.chartHome`, or give its `repo` and `version`."
        }
        E::SecretValues { .. } => "Make the chart a release of its own, with the file in its `secrets`.",
    };
    Some(fixed.to_owned())
}
