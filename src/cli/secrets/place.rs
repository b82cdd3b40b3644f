//! Places in a file, as they are written on the command line.

use super::error::SecretsVerbError;
use crate::value::{Part, Path, Pattern, Step, Value};

/// The path that a text means in a file: `database.hosts[0]`, `tls["tls.key"]`, and `users[name="ann"]` for the item of
/// a list that has this field.
pub(super) fn path(text: &str, root: &Value) -> Result<Path, SecretsVerbError> {
    let wrong = |problem: &str| SecretsVerbError::Path { text: text.to_owned(), problem: problem.to_owned() };
    let pattern = Pattern::parse(text).map_err(|error| wrong(error.problem))?;
    let mut path = Path::root();
    for part in pattern.parts() {
        let step = match part {
            Part::Step(step @ (Step::Field(_) | Step::Index(_))) => step.clone(),
            Part::Step(step @ Step::Item(_)) => {
                let item = path.then(step.clone());
                let place = path
                    .resolve(root)
                    .zip(item.resolve(root))
                    .and_then(|(list, item)| list.as_list()?.iter().position(|it| std::ptr::eq(it, item)));
                Step::Index(place.ok_or_else(|| wrong("no item of the list is like that"))?)
            }
            _ => return Err(wrong("it has to name one place")),
        };
        path.0.push(step);
    }
    Ok(path)
}

/// What is there instead of something that is not: the keys or the number of items of the last place on the way.
pub(super) fn around(path: &Path, root: &Value) -> String {
    let above = (0..path.0.len()).rev().map(|length| Path(path.0[..length].to_vec()));
    let found = above.into_iter().find_map(|above| above.resolve(root).map(|node| (above, node)));
    let Some((above, node)) = found else { return String::new() };
    let place = if above.0.is_empty() { "The file".to_owned() } else { format!("`{above}`") };
    match (node.as_map(), node.as_list()) {
        (Some(map), _) if map.is_empty() => format!("{place} is empty."),
        (Some(map), _) => {
            let keys: Vec<String> = map.keys().map(|key| format!("`{}`", Path::of_fields([key]))).collect();
            format!("{place} has the keys {}.", keys.join(", "))
        }
        (_, Some(items)) => format!("{place} is a list of {}.", items.len()),
        _ => format!("{place} is a value."),
    }
}
