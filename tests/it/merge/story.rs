//! Stories: who writes what to an object, and what becomes of it.

use std::fmt::Write as _;
use std::sync::Arc;

use weft::diagnostic::Diagnostic;
use weft::diff::{LiveObject, Manager};
use weft::manifest::ObjectId;
use weft::schema::fields::FieldSet;
use weft::schema::merge::{MergeError, apply, compare, field_set, live_field_set, remove};
use weft::schema::{Gvk, Schemas, Type};
use weft::value::{Data, Map, Value};
use weft::yaml::{Rules, document};

const VERSION: &str = "g.example.com/v1";

/// What every object has, as far as the stories need it.
const ROOT: &str = "{apiVersion: {type: string}, kind: {type: string}, metadata: {type: object, properties: {
    name: {type: string}, uid: {type: string}, labels: {type: object, additionalProperties: {type: string}},
    finalizers: {type: array, items: {type: string}, x-kubernetes-list-type: set}}}}";

pub fn yaml(text: &str) -> Value {
    document(text, &Arc::new("cases.yaml".to_owned()), Rules::Strict).unwrap()
}

/// Every case of a file, told.
pub fn tell(text: &str) -> String {
    let file = yaml(text);
    let mut out = String::new();
    for case in file.get("cases").and_then(Value::as_list).unwrap() {
        let _ = writeln!(out, "# {}", text_of(case, "name"));
        let mut story = Story::new(&file, case);
        for step in case.get("steps").and_then(Value::as_list).unwrap() {
            story.step(step, &mut out);
        }
        out.push('\n');
    }
    out
}

pub fn gvk() -> Gvk {
    Gvk::new(VERSION, "Kind")
}

/// An object of which nothing but the identity is known.
pub fn nothing() -> LiveObject {
    let id = ObjectId { kind: gvk().group_kind(), namespace: None, name: "loom".into() };
    LiveObject { id, body: whole(&Map::new().into()), managers: Vec::new() }
}

/// An object with what says what it is.
pub fn whole(object: &Value) -> Value {
    let mut map = object.as_map().cloned().unwrap_or_default();
    map.insert("apiVersion", VERSION);
    map.insert("kind", "Kind");
    map.into()
}

/// The shapes of a kind with this schema; of one without a schema where it is `None`.
pub fn schemas(schema: Option<&Value>, types: Option<&Value>) -> Schemas {
    let mut schemas = Schemas::new();
    let Some(schema) = schema else {
        let crd = "{spec: {group: g.example.com, names: {kind: Kind}, versions: [{name: v1}]}}";
        schemas.add_crd(&yaml(crd));
        return schemas;
    };
    let mut root = schema.as_map().cloned().unwrap();
    let mut properties = yaml(ROOT).as_map().cloned().unwrap();
    for entry in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
        properties.insert(entry.key.as_str(), entry.value.clone());
    }
    root.insert("properties", properties);
    root.insert("x-kubernetes-group-version-kind", yaml("[{group: g.example.com, version: v1, kind: Kind}]"));
    let mut all = types.and_then(Value::as_map).cloned().unwrap_or_default();
    all.insert("Kind", root);
    let components: Map = [("schemas", all)].into_iter().collect();
    schemas.add_document(&[("components", components)].into_iter().collect::<Map>().into());
    schemas
}

struct Story {
    schemas: Schemas,
    types: Option<Value>,
    live: LiveObject,
}

impl Story {
    fn new(file: &Value, case: &Value) -> Self {
        let types = file.get("types").cloned();
        let schema = case.get("schema").or_else(|| file.get("schema"));
        Self { schemas: schemas(schema, types.as_ref()), types, live: nothing() }
    }

    fn shape(&self) -> Type<'_> {
        self.schemas.of(&gvk()).unwrap()
    }

    fn step(&mut self, step: &Value, out: &mut String) {
        let kind = ["schema", "live", "update", "apply", "set", "compare", "remove", "fields"];
        let kind = kind.into_iter().find(|kind| step.get(kind).is_some()).unwrap();
        let value = step.get(kind).unwrap();
        match kind {
            "schema" => {
                self.schemas = schemas(Some(value), self.types.as_ref());
                out.push_str("schema\n");
            }
            "live" => self.live(value, step, out),
            "update" => self.update(step, out),
            "apply" => self.apply(step, out),
            "set" => self.set(value, out),
            "compare" => self.compare(value, step, out),
            "remove" => self.remove(value, step, out),
            _ => self.fields(value, step, out),
        }
    }

    fn live(&mut self, value: &Value, step: &Value, out: &mut String) {
        self.live.body = whole(value);
        let managers = step.get("managers").and_then(Value::as_map);
        self.live.managers = managers.into_iter().flatten().map(|m| manager(&m.key, m.value.clone())).collect();
        if let Some(version) = step.get("version").and_then(Value::as_str) {
            self.live.managers.iter_mut().for_each(|m| version.clone_into(&mut m.api_version));
        }
        out.push_str("live\n");
        self.show(out);
    }

    fn apply(&mut self, step: &Value, out: &mut String) {
        let name = text_of(step, "apply");
        let _ = writeln!(out, "apply {name} Apply");
        let applied = match apply(self.live.managed(), &whole(step.get("object").unwrap()), self.shape(), name) {
            Ok(applied) => applied,
            Err(error) => return show_error(&error, out),
        };
        let mut conflicts: Vec<_> = applied
            .conflicts
            .iter()
            .map(|it| {
                let writer = &it.writer;
                format!("{} {}", who(&writer.manager, &writer.operation, &writer.subresource), set(&it.fields))
            })
            .collect();
        conflicts.sort();
        for conflict in &conflicts {
            let _ = writeln!(out, "  conflict with {conflict}");
        }
        if conflicts.is_empty() || step.get("force").is_some() {
            (self.live.body, self.live.managers) = (applied.body, applied.managers);
            self.show(out);
        }
    }

    /// What the server makes of a write that is no apply.
    fn update(&mut self, step: &Value, out: &mut String) {
        let subresource = step.get("subresource").and_then(Value::as_str).unwrap_or_default();
        let who = who(text_of(step, "update"), "Update", subresource);
        let body = whole(step.get("object").unwrap());
        let found = compare(&self.live.body, &body, self.shape());
        let resets = subresource != "status" && self.shape().map().is_some_and(weft::schema::MapType::resets_status);
        let read = |text| FieldSet::from_fields_v1(&yaml(text)).unwrap();
        let status = if resets { read("{f:status: {}}") } else { FieldSet::default() };
        let changed = found.modified.clone().union(&found.added).recursive_difference(&status);
        let removed = found.removed.recursive_difference(&status);
        for manager in &mut self.live.managers {
            let fields = FieldSet::from_fields_v1(&manager.fields).unwrap();
            manager.fields = fields.difference(&changed).difference(&removed).to_fields_v1().into();
        }
        let never = "{f:apiVersion: {}, f:kind: {}, f:metadata: {'.': {}, f:name: {}, f:uid: {}}}";
        let mut ours = changed.difference(&read(never));
        if let Some(at) = self.live.managers.iter().position(|m| name_of(m) == who) {
            ours.add(&FieldSet::from_fields_v1(&self.live.managers.remove(at).fields).unwrap());
        }
        self.live.managers.push(manager(&who, ours.to_fields_v1()));
        self.live.managers.retain(|m| m.fields.as_map().is_some_and(|map| !map.is_empty()));
        self.live.body = body;
        let _ = writeln!(out, "update {who}");
        self.show(out);
    }

    fn set(&self, object: &Value, out: &mut String) {
        out.push_str("set\n");
        match field_set(&whole(object), self.shape()) {
            Ok(fields) => drop(writeln!(out, "  {}", set(&fields))),
            Err(error) => {
                show_error(&error, out);
                if let Ok(fields) = live_field_set(&whole(object), self.shape()) {
                    let _ = writeln!(out, "  live {}", set(&fields));
                }
            }
        }
    }

    fn compare(&self, before: &Value, step: &Value, out: &mut String) {
        let found = compare(&whole(before), &whole(step.get("with").unwrap()), self.shape());
        let [removed, modified, added] = [found.removed, found.modified, found.added].map(|it| set(&it));
        let _ = writeln!(out, "compare\n  removed {removed}\n  modified {modified}\n  added {added}");
    }

    fn remove(&self, object: &Value, step: &Value, out: &mut String) {
        let fields = FieldSet::from_fields_v1(step.get("fields").unwrap()).unwrap();
        let left = remove(&whole(object), &fields, self.shape());
        let _ = writeln!(out, "remove\n  {}", json(&left));
    }

    fn fields(&self, fields: &Value, step: &Value, out: &mut String) {
        let a = FieldSet::from_fields_v1(fields).unwrap();
        let (named, leaves) = (a.with_named_fields(Some(self.shape())), a.only_leaves());
        let _ = writeln!(out, "fields\n  {}\n  named {}\n  leaves {}", set(&a), set(&named), set(&leaves));
        if let Some(other) = step.get("with") {
            let b = FieldSet::from_fields_v1(other).unwrap();
            for (name, found) in [
                ("union", a.clone().union(&b)),
                ("intersection", a.intersection(&b)),
                ("difference", a.difference(&b)),
                ("recursive", a.recursive_difference(&b)),
            ] {
                let _ = writeln!(out, "  {name} {}", set(&found));
            }
        }
    }

    fn show(&self, out: &mut String) {
        let _ = writeln!(out, "  {}", json(&self.live.body));
        let mut managers: Vec<_> = self.live.managers.iter().collect();
        managers.sort_by_key(|m| name_of(m));
        for manager in managers {
            let _ = writeln!(out, "  {} {}", name_of(manager), manager.fields.text());
        }
    }
}

fn show_error(error: &MergeError, out: &mut String) {
    let text = Diagnostic::of(error).to_string();
    let _ = writeln!(out, "  {}", text.trim_end().replace('\n', "\n  | "));
}

fn who(name: &str, operation: &str, subresource: &str) -> String {
    let slash = if subresource.is_empty() { "" } else { "/" };
    format!("{name} {operation}{slash}{subresource}")
}

fn name_of(manager: &Manager) -> String {
    who(&manager.name, &manager.operation, &manager.subresource)
}

/// A manager by its name, operation and subresource, as `kubectl Update/status`.
fn manager(who: &str, fields: Value) -> Manager {
    let (name, operation) = who.split_once(' ').unwrap();
    let (operation, subresource) = operation.split_once('/').unwrap_or((operation, ""));
    Manager {
        name: name.to_owned(),
        operation: operation.to_owned(),
        subresource: subresource.to_owned(),
        api_version: VERSION.to_owned(),
        time: None,
        fields: fields.into(),
    }
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap()
}

fn set(fields: &FieldSet) -> String {
    serde_json::to_string(&fields.to_fields_v1()).unwrap()
}

/// JSON with sorted keys.
pub fn json(value: &Value) -> String {
    serde_json::to_string(&sorted(value)).unwrap()
}

fn sorted(value: &Value) -> Value {
    match &value.data {
        Data::Map(map) => {
            let mut entries: Vec<_> = map.iter().map(|e| (e.key.as_str(), sorted(&e.value))).collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.into_iter().collect::<Map>().into()
        }
        Data::List(items) => items.iter().map(sorted).collect::<Vec<_>>().into(),
        leaf => leaf.clone().into(),
    }
}
