//! `helmfile template` of a project, and whether both come to the same objects.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use weft::value::Value;
use weft::yaml::{self, Rules};

use super::Failure;

/// `helmfile template` of a project: `helm` is the one beside it, and nothing of the user's is read.
pub fn template(helmfile: &Path, helm: &Path, project: &Path, state: &Path) -> Command {
    let mut command = Command::new(helmfile);
    command.current_dir(project).arg("--quiet").arg("--helm-binary").arg(helm).args(["template", "--skip-deps"]);
    for variable in ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELMFILE_CACHE_HOME"] {
        command.env(variable, state);
    }
    command
}

/// Holds the objects of both against each other, so that both have done the same work; how many there are.
pub fn same_objects(ours: &str, theirs: &str) -> Result<usize, Failure> {
    let (ours, theirs) = (objects(ours)?, objects(theirs)?);
    let differs = |(id, body): &(&String, &serde_json::Value)| theirs.get(*id) != Some(*body);
    match ours.iter().find(differs) {
        Some((id, body)) => {
            let other = theirs.get(id).map_or_else(|| "nothing".to_owned(), ToString::to_string);
            Err(format!("{id} is not the same for both: {body} and {other}").into())
        }
        None if ours.len() == theirs.len() => Ok(ours.len()),
        None => Err(format!("{} objects beside {}", ours.len(), theirs.len()).into()),
    }
}

/// Objects by kind and name, without the label that says of which release they are, which only we write.
fn objects(text: &str) -> Result<BTreeMap<String, serde_json::Value>, Failure> {
    let documents = yaml::documents(text, &Arc::new("output".to_owned()), Rules::Strict)?;
    let object = |mut document: Value| {
        let name = document.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
        let id = format!("{} {name}", document.get("kind").and_then(Value::as_str).unwrap_or_default());
        let metadata = document.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut);
        if let Some(labels) = metadata.and_then(|it| it.get_mut("labels")).and_then(Value::as_map_mut) {
            labels.remove(weft::manifest::PART_OF);
        }
        Ok((id, serde_json::to_value(&document)?))
    };
    documents.into_iter().map(object).collect()
}
