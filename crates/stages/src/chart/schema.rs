//! `values.schema.json`: the merged values against the chart's own schema, before anything is rendered.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{Retrieve, Uri, ValidationError, Validator};

use super::ChartError;
use super::package::Package;
use weft_base::diagnostic::nearest;
use weft_base::masked::MASK;
use weft_base::value::{Data, Entry, Map, Mark, Origin, Path, Step, Value};
use weft_jinja::stand_in;

/// A compiled schema. References to other places are not followed.
#[derive(Debug)]
pub struct ValuesSchema {
    path: Arc<String>,
    source: serde_json::Value,
    validator: Validator,
}

/// One value that does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Which value.
    pub path: Path,
    /// Where it was written.
    pub origin: Origin,
    /// What the schema wants. It holds no secret.
    pub message: String,
}

/// Finds nothing elsewhere.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<serde_json::Value, Box<dyn Error + Send + Sync>> {
        match uri.scheme().as_str() {
            "urn" => Ok(serde_json::Value::Bool(true)),
            _ => Err(format!("`{uri}` is elsewhere, and is not read").into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.path.0.is_empty();
        let place = if self.origin.file.is_some() { format!(" ({})", self.origin) } else { String::new() };
        if root { write!(f, "{}", self.message) } else { write!(f, "`{}`{place}: {}", self.path, self.message) }
    }
}

impl ValuesSchema {
    /// Compiles a schema, which stands in the file `path`. References to other files and places are refused; Helm takes
    /// `urn:` as one that allows everything, where nobody knows better.
    pub fn compile(text: &str, path: &Arc<String>) -> Result<Self, ChartError> {
        let wrong = |message: String| ChartError::WrongSchema { origin: Origin::new(path, Mark::default()), message };
        let source: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if let Some(pattern) = unknown_to_go(&source) {
            return Err(wrong(format!(
                "the pattern `{pattern}` looks around or back, which Helm's expressions cannot"
            )));
        }
        let options = jsonschema::options().with_retriever(Nowhere);
        let validator = options.build(&source).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { path: Arc::clone(path), source, validator })
    }

    /// Checks values, all of them, so that one run shows every failure.
    pub fn check(&self, values: &Value) -> Result<(), ChartError> {
        let json = serde_json::to_value(values.exposed()).map_err(|error| ChartError::WrongSchema {
            origin: Origin::new(&self.path, Mark::default()),
            message: error.to_string(),
        })?;
        if self.validator.is_valid(&json) {
            return Ok(());
        }
        let failures = if holds_secret(values) {
            self.failures_beside_secrets(&json, values)
        } else {
            self.validator.iter_errors(&json).map(|error| self.failure(&error, values)).collect()
        };
        Err(ChartError::Values { path: Arc::clone(&self.path), failures })
    }

    /// What does not fit in values with secrets. A schema could spell a secret by its patterns and its conditions, so
    /// what is told comes from stand-ins; of what only a secret itself can have caused, not even the keyword is told.
    fn failures_beside_secrets(&self, json: &serde_json::Value, values: &Value) -> Vec<Failure> {
        let stand_ins = serde_json::to_value(stand_ins(values, &mut 0)).unwrap_or_default();
        let without_secrets = |error: &ValidationError| match path_of(error.instance_path()).resolve(values) {
            Some(node) if holds_secret(node) => !node.is_masked() && is_about_shape(error.kind()),
            Some(_) => true,
            None => false,
        };
        let errors = self.validator.iter_errors(&stand_ins).filter(without_secrets);
        let shown: Vec<Failure> = errors.map(|error| self.failure(&error, values)).collect();
        if !shown.is_empty() {
            return shown;
        }
        let mut failures = Vec::new();
        for error in self.validator.iter_errors(json) {
            let failure = misfit(&error, values);
            if !failures.contains(&failure) {
                failures.push(failure);
            }
        }
        // One that names its value says more than one that does not.
        if failures.iter().any(|it| !it.path.0.is_empty()) {
            failures.retain(|it| !it.path.0.is_empty());
        }
        failures
    }

    fn failure(&self, error: &ValidationError, values: &Value) -> Failure {
        let path = path_of(error.instance_path());
        let node = path.resolve(values);
        let mut origin = node.map(|node| node.origin.clone()).unwrap_or_default();
        let mut message =
            if node.is_none_or(holds_secret) { error.masked_with(MASK).to_string() } else { error.to_string() };
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            let entry = unexpected.first().and_then(|key| node?.as_map()?.entry(key));
            if let Some(entry) = entry {
                origin = Origin { file: entry.value.origin.file.clone(), mark: entry.mark };
                "unknown key".clone_into(&mut message);
                message += &self.suggestion(error, &entry.key).unwrap_or_default();
                return Failure { path: path.field(&entry.key), origin, message };
            }
        }
        Failure { path, origin, message }
    }

    /// The nearest of the properties that the schema names beside the keyword that failed.
    fn suggestion(&self, error: &ValidationError, key: &str) -> Option<String> {
        let pointer = error.schema_path().as_str();
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let properties = self.source.pointer(parent)?.get("properties")?.as_object()?;
        let near = nearest(key, properties.keys().map(String::as_str))?;
        Some(format!("; did you mean `{near}`?"))
    }
}

/// The failure of a secret. Its value is named only if no condition of the schema can have chosen it.
fn misfit(error: &ValidationError, values: &Value) -> Failure {
    let keywords = error.schema_path().as_str().rsplit_once('/').map_or("", |(before, _)| before);
    let mut steps = keywords.split('/').skip(1);
    let mut is_plain = true;
    while let Some(step) = steps.next() {
        is_plain &= match step {
            "properties" => steps.next().is_some(),
            "items" => true,
            _ => false,
        };
    }
    let path = path_of(error.instance_path());
    let node = path.resolve(values).filter(|node| is_plain && node.is_masked());
    let message = "the secret value does not fit".to_owned();
    match node {
        Some(node) => Failure { path, origin: node.origin.clone(), message },
        None => {
            Failure { path: Path::root(), origin: Origin::default(), message: "a secret value does not fit".to_owned() }
        }
    }
}

/// Whether it is about which keys or how many items a node has, and not about what is in them.
fn is_about_shape(kind: &ValidationErrorKind) -> bool {
    use ValidationErrorKind as Is;
    matches!(
        kind,
        Is::AdditionalProperties { .. }
            | Is::MaxItems { .. }
            | Is::MinItems { .. }
            | Is::MaxProperties { .. }
            | Is::MinProperties { .. }
            | Is::Required { .. }
            | Is::Type { .. }
    )
}

/// The values with stand-ins for their secrets.
fn stand_ins(value: &Value, place: &mut usize) -> Value {
    let data = match &value.data {
        Data::Masked(leaf) => {
            *place += 1;
            stand_in(leaf.expose(), *place)
        }
        Data::List(items) => Data::List(items.iter().map(|item| stand_ins(item, place)).collect()),
        Data::Map(map) => {
            let entries = map.iter().map(|it| Entry { value: stand_ins(&it.value, place), ..it.clone() });
            Data::Map(entries.collect::<Map>())
        }
        leaf => leaf.clone(),
    };
    Value { data, origin: value.origin.clone() }
}

/// A pattern of a schema that Go's regular expressions do not know.
fn unknown_to_go(schema: &serde_json::Value) -> Option<&str> {
    const UNKNOWN: [&str; 4] = ["(?=", "(?!", "(?<=", "(?<!"];
    let refused = |pattern: &str| UNKNOWN.iter().any(|it| pattern.contains(it));
    match schema {
        serde_json::Value::Object(map) => map.iter().find_map(|(key, value)| match (key.as_str(), value) {
            ("pattern", serde_json::Value::String(pattern)) => Some(pattern.as_str()).filter(|it| refused(it)),
            ("patternProperties", serde_json::Value::Object(below)) => {
                let named = below.keys().map(String::as_str).find(|it| refused(it));
                named.or_else(|| below.values().find_map(unknown_to_go))
            }
            ("default" | "examples" | "enum" | "const", _) => None,
            (_, below) => unknown_to_go(below),
        }),
        serde_json::Value::Array(items) => items.iter().find_map(unknown_to_go),
        _ => None,
    }
}

fn path_of(location: &Location) -> Path {
    let step = |segment: LocationSegment| match segment {
        LocationSegment::Property(key) => Step::Field(key.as_ref().into()),
        LocationSegment::Index(at) => Step::Index(at),
    };
    Path(location.into_iter().map(step).collect())
}

impl Package {
    /// Holds values against its schema, if it has one.
    pub(super) fn check_values(&self, values: &Value) -> Result<(), ChartError> {
        let Some(file) = &self.schema else { return Ok(()) };
        let compiled = if let Some(compiled) = self.checker.get() {
            compiled
        } else {
            let path = Arc::new(format!("{}/{}", self.folder, file.name));
            let compiled = ValuesSchema::compile(file.text(&self.folder)?, &path)?;
            self.checker.get_or_init(|| compiled)
        };
        compiled.check(values)
    }
}

/// Whether a node is or holds a leaf that came from a secret.
pub fn holds_secret(value: &Value) -> bool {
    match &value.data {
        Data::Masked(_) => true,
        Data::List(items) => items.iter().any(holds_secret),
        Data::Map(map) => map.iter().any(|entry| holds_secret(&entry.value)),
        _ => false,
    }
}
