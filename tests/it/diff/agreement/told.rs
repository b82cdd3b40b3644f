//! Two comparisons held against each other, and how they are told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use weft::diff::{After, Class, Compared, FieldChange, LiveObject, MANAGER, Manager, ObjectComparison};
use weft::schema::fields::FieldSet;
use weft::value::{Map, Path, Step, Value};
use weft::yaml;

/// How a prediction and the server's word differ.
pub struct Difference {
    /// How many fields were compared.
    pub paths: u64,
    /// How many of them the prediction leaves to the server.
    pub left: u64,
    /// Where, in short.
    pub places: Vec<String>,
    /// What differs, a line a field; empty where nothing does.
    pub wrong: String,
}

impl Difference {
    /// Compares on what we own before or after.
    pub fn between(
        predicted: &ObjectComparison,
        answered: &ObjectComparison,
        live: &LiveObject,
        answer: &LiveObject,
    ) -> Self {
        let owned = ours(live).union(&ours(answer));
        let (ours, theirs) = (by_path(predicted), by_path(answered));
        let mut out = Self { paths: 0, left: 0, places: Vec::new(), wrong: String::new() };
        let left: Vec<&FieldChange> = predicted.fields.iter().filter(|it| it.desired == After::Server).collect();
        let paths: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for path in paths {
            let (mine, its) = (ours.get(path), theirs.get(path));
            let field = mine.or(its).expect("one of them");
            if !owned.owns(&field.path) && mine.is_none() {
                continue;
            }
            out.paths += 1;
            // Where a part is left to the server, nobody says whether the whole only changes its owner.
            let related = |it: &Path| it.is_prefix_of(&field.path) || field.path.is_prefix_of(it);
            if left.iter().any(|it| related(&it.path)) {
                out.left += 1;
                out.places.push(names(&field.path));
            } else if !agree(mine.copied(), its.copied()) {
                let tell = |it: Option<&&FieldChange>| it.map_or("nothing".to_owned(), |it| told(it));
                let _ = writeln!(out.wrong, "{path}\n  we say {}\n  server {}", tell(mine), tell(its));
            }
        }
        out
    }
}

fn ours(live: &LiveObject) -> FieldSet {
    let mine =
        live.managers.iter().filter(|it| it.name == MANAGER && it.operation == "Apply" && it.subresource.is_empty());
    mine.fold(FieldSet::default(), |all, it| all.union(&FieldSet::from_fields_v1(&it.fields).unwrap_or_default()))
}

/// Where the owners that we expect are not those that the server says, path by path.
pub fn owners(ours: &[Manager], servers: &[Manager]) -> Option<String> {
    let sets = |all: &[Manager]| -> BTreeMap<String, FieldSet> {
        let set = |it: &Manager| FieldSet::from_fields_v1(&it.fields).unwrap_or_default();
        let name = |it: &Manager| format!("{} {} {}{}", it.name, it.operation, it.api_version, it.subresource);
        all.iter().map(|it| (name(it), set(it))).filter(|(_, set)| !set.is_empty()).collect()
    };
    let (ours, servers) = (sets(ours), sets(servers));
    let mut out = String::new();
    let names: std::collections::BTreeSet<&String> = ours.keys().chain(servers.keys()).collect();
    for name in names {
        let side = |of: &BTreeMap<String, FieldSet>| of.get(name).cloned().unwrap_or_default();
        let (mine, its) = (side(&ours), side(&servers));
        for (sign, set) in [("-", its.difference(&mine)), ("+", mine.difference(&its))] {
            out += &set.paths().iter().map(|path| format!("  {sign} {name}: {path}\n")).collect::<String>();
        }
    }
    (!out.is_empty()).then_some(out)
}

fn by_path(comparison: &ObjectComparison) -> BTreeMap<String, &FieldChange> {
    comparison.fields.iter().filter(|it| it.class != Class::Met).map(|it| (it.path.to_string(), it)).collect()
}

/// The names of the fields on a path.
fn names(path: &Path) -> String {
    let name = |step: &Step| match step {
        Step::Field(name) => Some(name.clone()),
        _ => None,
    };
    path.0.iter().filter_map(name).collect::<Vec<_>>().join(".")
}

/// Whether both say the same. In a list or map that the apply replaces as a whole, the server may fill in more.
fn agree(mine: Option<&FieldChange>, its: Option<&FieldChange>) -> bool {
    match (mine.map(essence), its.map(essence)) {
        (Some((sort, live, desired)), Some((other, before, after))) => {
            sort == other
                && live == before
                && (desired == after || desired.zip(after).is_some_and(|(ours, it)| is_filled(ours, it)))
        }
        (mine, its) => mine == its,
    }
}

/// Whether a list or a map is another one with more keys in its maps, or with zero values left out of them.
fn is_filled(ours: &Value, servers: &Value) -> bool {
    let zero = |value: &Value| {
        value.as_str() == Some("")
            || value.as_bool() == Some(false)
            || value.as_i64() == Some(0)
            || value.as_list().is_some_and(<[Value]>::is_empty)
    };
    match (ours.as_map(), servers.as_map(), ours.as_list(), servers.as_list()) {
        (Some(ours), Some(servers), ..) => ours.iter().all(|entry| match servers.get(&entry.key) {
            Some(value) => value == &entry.value || is_filled(&entry.value, value),
            None => zero(&entry.value),
        }),
        (.., Some(ours), Some(servers)) => {
            ours.len() == servers.len() && ours.iter().zip(servers).all(|(ours, it)| ours == it || is_filled(ours, it))
        }
        _ => false,
    }
}

/// What has to agree: before and after, and whether only the owner changes.
fn essence(it: &FieldChange) -> (&'static str, Option<&Value>, Option<&Value>) {
    let sort = match it.class {
        Class::Acquire => "acquire",
        Class::Release => "release",
        _ => "value",
    };
    (sort, it.live.as_ref(), it.desired.value())
}

fn told(it: &FieldChange) -> String {
    format!("{}: {:?} -> {:?}", it.class, it.live, it.desired)
}

/// The fields of a comparison, a line each; `None` where there are none.
pub fn fields(comparison: &ObjectComparison) -> Option<String> {
    let changes = comparison.fields.iter().filter(|it| it.class != Class::Met);
    let lines: Vec<String> = changes.map(|it| format!("  {} {}", it.path, told(it))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What comparing came to, in short.
pub fn compared(compared: &Compared) -> String {
    match compared {
        Compared::Done(done) => {
            format!("{:?} by {:?}\n{}", done.verdict, done.judged, fields(done).unwrap_or_default())
        }
        Compared::Ask(_) => "it asks".to_owned(),
        Compared::Shape(_) => "it asks for the schema".to_owned(),
        Compared::Adopt(..) => "it is taken over".to_owned(),
    }
}

/// Whether a comparison leaves all its fields to the server.
pub fn is_left(comparison: &ObjectComparison) -> bool {
    !comparison.fields.is_empty() && comparison.fields.iter().all(|it| it.desired == After::Server)
}

/// An object without what only counts its writes.
pub fn spec(live: &LiveObject) -> Value {
    let mut body = live.body.clone();
    if let Some(metadata) = body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut) {
        metadata.retain(|entry| !["resourceVersion", "generation"].contains(&entry.key.as_str()));
    }
    body
}

/// Whether a write only counted: neither a field nor an owner differs.
pub fn says_nothing(before: &LiveObject, after: &LiveObject) -> bool {
    spec(before) == spec(after) && !owners_move(before, after)
}

/// Whether somebody owns other fields after a write, or the owners stand in another order.
pub fn owners_move(before: &LiveObject, after: &LiveObject) -> bool {
    let owner = |it: &Manager| (it.name.clone(), it.operation.clone(), it.subresource.clone(), it.fields.clone());
    !before.managers.iter().map(owner).eq(after.managers.iter().map(owner))
}

/// What a write changed, of fields and of owners.
pub fn written(before: &LiveObject, after: &LiveObject) -> String {
    let (before, after) = (whole(before), whole(after));
    similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(1).to_string()
}

pub fn yaml(value: &Value) -> String {
    yaml::write_with(value, yaml::Write { order: yaml::Order::Written, ..yaml::Write::default() })
}

/// With the values that are secret: they are made up.
pub fn exposed(value: &Value) -> String {
    let text = serde_json::to_string(&value.exposed()).expect("JSON");
    yaml(&serde_json::from_str(&text).expect("a value"))
}

/// An object as a server sends it.
pub fn whole(live: &LiveObject) -> String {
    let text = serde_json::to_string(&live.body.exposed()).expect("JSON");
    let mut body: Value = serde_json::from_str(&text).expect("a value");
    let entry = |it: &weft::diff::Manager| -> Value {
        let mut entry: Map =
            [("manager", it.name.as_str()), ("operation", &it.operation), ("apiVersion", &it.api_version)]
                .into_iter()
                .collect();
        entry.insert("fieldsType", "FieldsV1");
        entry.insert("fieldsV1", Value::clone(&it.fields));
        if let Some(time) = &it.time {
            entry.insert("time", time.as_str());
        }
        if !it.subresource.is_empty() {
            entry.insert("subresource", it.subresource.as_str());
        }
        entry.into()
    };
    let managers: Vec<Value> = live.managers.iter().map(entry).collect();
    if let Some(metadata) = body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut) {
        metadata.insert("managedFields", managers);
    }
    yaml(&body)
}
