//! Which of the values that a user set no template looked at.

use minijinja::Value as Dynamic;

use super::Context;
use super::member::Member;
use super::metadata::Import;
use super::render::Prepared;
use crate::project::leaves;
use weft_base::value::{Path, Step};
use weft_gotemplate::Value;
use weft_jinja::Node;

/// The leaves that a user set and neither a template of either language asked for, nor Helm itself.
pub fn unread(
    context: &Context,
    prepared: &Prepared,
    jinja: Option<&Dynamic>,
    go: Option<&[(Vec<String>, Value)]>,
) -> Vec<Path> {
    let asked = ValueReads::of(prepared, jinja, go);
    let paths = context.values.set_by_user.iter().map(|(path, _)| path);
    paths.filter(|path| asked.for_path(path) == Some(false)).cloned().collect()
}

/// The leaves of the values that a template of either language asked for, or Helm itself, lists as a whole.
pub fn read(
    context: &Context,
    prepared: &Prepared,
    jinja: Option<&Dynamic>,
    go: Option<&[(Vec<String>, Value)]>,
) -> Vec<Path> {
    let asked = ValueReads::of(prepared, jinja, go);
    let mut read = Vec::new();
    leaves(&mut Path::root(), &context.values.merged, &mut |path, _| {
        if asked.for_path(path) == Some(true) {
            read.push(path.clone());
        }
    });
    read
}

/// What remembers which values were asked for.
struct ValueReads<'a> {
    jinja: Option<&'a Node>,
    go: Option<&'a [(Vec<String>, Value)]>,
    helm: Vec<Vec<String>>,
}

impl<'a> ValueReads<'a> {
    fn of(prepared: &Prepared, jinja: Option<&'a Dynamic>, go: Option<&'a [(Vec<String>, Value)]>) -> Self {
        let jinja = jinja.and_then(|values| values.downcast_object_ref::<Node>());
        Self { jinja, go, helm: looked_at(&prepared.root) }
    }

    /// Whether the value at a path was asked for; `None` where nobody knows it.
    fn for_path(&self, path: &Path) -> Option<bool> {
        let steps = keys(path);
        let by_jinja = self.jinja.and_then(|node| node.was_read(path));
        let by_go = self.go.map(|roots| roots.iter().filter_map(|root| read_below(root, &steps)).any(|read| read));
        let by_helm = self.go.is_some() && is_looked_at(&self.helm, &steps);
        let known = (by_jinja.is_some() || self.go.is_some()) && !steps.is_empty();
        known.then(|| by_jinja == Some(true) || by_go == Some(true) || by_helm)
    }
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
