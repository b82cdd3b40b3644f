//! Which of the values that a user set no template looked at.

use minijinja::Value as Dynamic;

use super::Context;
use super::member::Member;
use super::metadata::Import;
use super::render::Prepared;
use crate::gotemplate::Value;
use crate::jinja::Node;
use crate::value::{Path, Step};

/// The leaves that a user set and neither a template of either language asked for, nor Helm itself.
pub fn unread(
    context: &Context,
    prepared: &Prepared,
    jinja: Option<&Dynamic>,
    go: Option<&[(Vec<String>, Value)]>,
) -> Vec<Path> {
    let jinja = jinja.and_then(|values| values.downcast_object_ref::<Node>());
    let looked_at = looked_at(&prepared.root);
    let is_unread = |path: &&Path| {
        let steps = keys(path);
        let by_jinja = jinja.and_then(|node| node.was_read(path));
        let by_go = go.map(|roots| roots.iter().filter_map(|root| read_below(root, &steps)).any(|read| read));
        let by_helm = go.is_some() && is_looked_at(&looked_at, &steps);
        let known = by_jinja.is_some() || go.is_some();
        known && !steps.is_empty() && by_jinja != Some(true) && by_go != Some(true) && !by_helm
    };
    context.values.set_by_user.iter().map(|(path, _)| path).filter(is_unread).cloned().collect()
}

/// Whether the chart of a root object read the value at a path of the root's values.
fn read_below((path, root): &(Vec<String>, Value), steps: &[String]) -> Option<bool> {
    let below = match steps.first() {
        // Every chart has its own copy of what all see.
        Some(first) if first == "global" => steps,
        _ => steps.strip_prefix(&path[..])?,
    };
    let whole = std::iter::once("Values").chain(below.iter().map(String::as_str));
    root.was_read(whole)
}

fn keys(path: &Path) -> Vec<String> {
    let key = |step: &Step| match step {
        Step::Field(key) => key.to_string(),
        Step::Index(at) => at.to_string(),
        Step::Item(_) | Step::Member(_) => String::new(),
    };
    path.0.iter().map(key).collect()
}

/// The paths that decide which charts take part, and those that are taken over.
fn looked_at(root: &Member) -> Vec<Vec<String>> {
    let mut all = vec![vec!["tags".to_owned()]];
    let parted = |prefix: &[&str], path: &str| -> Vec<String> {
        prefix.iter().copied().chain(path.split('.')).map(str::to_owned).collect()
    };
    // Nothing that is walked can fail.
    let _ = root.each(&mut |member, prefix| {
        for says in member.package.metadata.dependencies.iter().flatten() {
            all.extend(says.condition.trim().split(',').map(|it| parted(prefix, it)));
            let taken = says.import_values.iter().map(|it| match it {
                Import::Export(name) => format!("{}.exports.{name}", says.goes_by()),
                Import::At { child, .. } => format!("{}.{child}", says.goes_by()),
            });
            all.extend(taken.map(|it| parted(prefix, &it)));
        }
        Ok(())
    });
    all
}

fn is_looked_at(looked_at: &[Vec<String>], steps: &[String]) -> bool {
    looked_at.iter().any(|it| steps.starts_with(it))
}
