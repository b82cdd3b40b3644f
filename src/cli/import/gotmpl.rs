//! Templates of helmfile: Go templates over the values of an environment.

use std::sync::Arc;

use crate::diagnostic::Failure;
use crate::gotemplate::functions::{self, Chance, Host, Numbers, Time};
use crate::gotemplate::{Limits, Missing, Run, Templates};
use crate::value::{Map, Value};

/// What a template sees.
#[derive(Clone)]
pub(super) struct Scope {
    /// The values of the environment: `.Values`, `.Environment.Values` and `.StateValues`.
    pub values: Value,
    /// The release: `.Release`.
    pub release: Map,
    /// The environment's name: `.Environment.Name`.
    environment: String,
}

impl Scope {
    /// An environment without values.
    pub fn new(environment: &str) -> Self {
        Self { values: Map::new().into(), release: Map::new(), environment: environment.to_owned() }
    }

    fn root(&self) -> Value {
        let mut environment = Map::new();
        environment.insert("Name", self.environment.as_str());
        environment.insert("Values", self.values.clone());
        let mut root = Map::new();
        root.insert("Environment", environment);
        root.insert("Values", self.values.clone());
        root.insert("StateValues", self.values.clone());
        root.insert("Release", self.release.clone());
        root.insert("Namespace", self.release.get("Namespace").cloned().unwrap_or_else(|| "".into()));
        root.into()
    }
}

/// Renders a text. Functions that run programs or read the machine are none here.
pub(super) fn render(text: &str, file: &Arc<String>, scope: &Scope) -> Result<String, Failure> {
    let mut set = Templates::new(functions::all().clone());
    set.add(file, file, text)?;
    let host = Host::new("", Time::utc(0, 0), Chance::Placeholder);
    let root = functions::from_document(&scope.root(), Numbers::Integers);
    let made = Run::new(&set, &host, Missing::Zero, Limits::default()).execute(file, &root).map_err(|error| *error)?;
    Ok(String::from_utf8_lossy(&made).into_owned())
}
