//! The order that objects ask for: `config.kubernetes.io/depends-on` and `argocd.argoproj.io/sync-wave`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Action, Refusal, ReleaseFacts};
use crate::diff::ObjectComparison;
use crate::manifest::ObjectId;
use weft_base::value::Value;
use weft_schema::GroupKind;

/// The annotation that names objects to come after.
const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";
/// The annotation that names the wave within a release.
const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// The wave of an object within its release; the error is the value that is none.
pub(super) fn wave(object: &ObjectComparison) -> Result<i64, &str> {
    annotation(object, WAVE).map_or(Ok(0), |text| text.trim().parse().map_err(|_| text))
}

/// The steps of one direction, and what they say of their order.
pub(super) struct Depends {
    /// The steps of wanted objects, or of removed ones.
    pub(super) steps: Vec<usize>,
    /// By step, the steps that it comes after because it says so.
    pub(super) first: Dependencies,
    /// What cannot be followed.
    pub(super) refusals: Vec<Refusal>,
}

/// By step, others that it comes after.
pub(super) type Dependencies = BTreeMap<usize, Vec<usize>>;

impl Depends {
    /// What the objects that are wanted (or that left) say. What left is not refused for what it says.
    pub(super) fn from_actions(
        actions: &[(Action, ObjectComparison)],
        wanted: bool,
        releases: &[ReleaseFacts],
    ) -> Self {
        let object = |at: usize| &actions[at].1;
        let steps: Vec<usize> = (0..actions.len()).filter(|at| is_of(&actions[*at], wanted)).collect();
        let said: Vec<usize> =
            steps.iter().copied().filter(|at| annotation(object(*at), DEPENDS_ON).is_some()).collect();
        let mut first = Dependencies::new();
        let mut refusals = Vec::new();
        let places: HashMap<&ObjectId, usize> =
            if said.is_empty() { HashMap::new() } else { steps.iter().map(|at| (&object(*at).id, *at)).collect() };
        let leaving = actions.iter().filter(|(_, it)| !said.is_empty() && it.desired.is_none());
        let leaving: HashSet<&ObjectId> = leaving.map(|(_, it)| &it.id).collect();
        let is_there =
            |id: &ObjectId| !leaving.contains(id) && releases.iter().any(|release| release.inventory.contains(id));
        for at in said {
            let id = &object(at).id;
            let mut refuse = |on: String| refusals.push(Refusal::Dependency { id: id.clone(), on });
            for entry in depends_on(object(at)) {
                match entry.map(|on| (places.get(&on), on)) {
                    Ok((Some(place), _)) => first.entry(at).or_default().push(*place),
                    // A release that is not selected has it.
                    Ok((None, on)) if is_there(&on) => {}
                    Ok((None, on)) => refuse(format!("`{on}`, which this environment does not have")),
                    Err(entry) => refuse(format!("`{entry}`, which names no object")),
                }
            }
        }
        for first in first.values_mut() {
            first.sort_unstable();
            first.dedup();
        }
        refusals.extend(steps.iter().filter_map(|at| no_wave(object(*at))));
        Self { steps, first, refusals: if wanted { refusals } else { Vec::new() } }
    }
}

/// Whether a step is about a wanted or a removed object; a hook is neither.
fn is_of((action, object): &(Action, ObjectComparison), wanted: bool) -> bool {
    action.hook().is_none() && object.desired.is_some() == wanted
}

fn no_wave(object: &ObjectComparison) -> Option<Refusal> {
    let text = wave(object).err()?;
    Some(Refusal::Mark {
        id: object.id.clone(),
        mark: format!("{WAVE}: {text}"),
        why: "which is no wave".to_owned(),
        hint: "A wave is a whole number; it may be below 0.".to_owned(),
    })
}

/// The objects that it comes after; an error is an entry that names none.
fn depends_on(object: &ObjectComparison) -> impl Iterator<Item = Result<ObjectId, &str>> {
    let entries = annotation(object, DEPENDS_ON).into_iter().flat_map(|text| text.split(','));
    entries.map(str::trim).map(|entry| parse_reference(entry).ok_or(entry))
}

/// `group/kind/name` or `group/namespaces/namespace/kind/name`; nothing stands for the core group.
fn parse_reference(entry: &str) -> Option<ObjectId> {
    let parts: Vec<&str> = entry.split('/').collect();
    let (group, namespace, kind, name) = match parts.as_slice() {
        [group, "namespaces", namespace, kind, name] => (*group, Some(*namespace), *kind, *name),
        [group, kind, name] => (*group, None, *kind, *name),
        _ => return None,
    };
    let complete = ![kind, name].contains(&"") && namespace != Some("");
    let kind = GroupKind { group: group.to_owned(), kind: kind.to_owned() };
    complete.then(|| ObjectId { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() })
}

/// An annotation that the repository wrote, or of an object that left the one that is there.
fn annotation<'a>(object: &'a ObjectComparison, key: &str) -> Option<&'a str> {
    let live = || object.live.as_ref().map(|live| &live.body);
    let body = object.desired.as_ref().map(|desired| &desired.body).or_else(live)?;
    body.dig(&["metadata", "annotations", key]).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_name_objects_as_cli_utils_writes_them() {
        let text = |entry: &str| parse_reference(entry).map(|id| id.to_string());
        assert_eq!(text("apps/namespaces/shop/Deployment/web").as_deref(), Some("Deployment.apps shop/web"));
        assert_eq!(text("/namespaces/shop/ConfigMap/web").as_deref(), Some("ConfigMap shop/web"));
        assert_eq!(text("/Namespace/shop").as_deref(), Some("Namespace shop"));
        for wrong in ["", "web", "Deployment/web", "apps/namespaces/Deployment/web", "apps/Deployment/", "a/b/c/d/e"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
