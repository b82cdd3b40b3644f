//! Templates of helmfile: Go templates over the values of an environment.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::{Arguments, ImportError};
use weft_base::value::{Map, Value};
use weft_gotemplate::functions::{self, Chance, Host, Numbers, Time};
use weft_gotemplate::{Fault, Function, Functions, Limits, Missing, Run, Templates, Type, Value as Dynamic};

/// The functions that helmfile has and Helm has not, or has otherwise.
static OWN: [Function; 4] = [
    Function::new("env", &[Type::Str], variable),
    Function::new("requiredEnv", &[Type::Str], variable),
    Function::variadic("get", &[], Type::Any, get),
    Function::new("getOrNil", &[Type::Str, Type::Any], get_or_nil),
];

/// Where a template reads a variable.
static READS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("\\b(?:requiredEnv|expandenv|env)\\s+[\"`]([A-Za-z_][A-Za-z0-9_]*)[\"`]").ok());

/// What `env` says of a variable that has no value.
const NO_VARIABLE: &str = "no value is given for a variable of the machine";

/// What a template sees.
#[derive(Clone)]
pub struct Scope {
    /// The values of the environment: `.Values`, `.Environment.Values` and `.StateValues`.
    pub values: Value,
    /// The release: `.Release`.
    pub release: Map,
    /// The environment's name: `.Environment.Name`.
    environment: String,
    /// The values of `env`.
    variables: Arguments,
}

/// What an undefined value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// An error, as it is for helmfile.
    Error,
    /// Nothing: in the first reading of a file, which only looks for its environments.
    Nothing,
}

impl Scope {
    /// An environment without values.
    pub fn new(environment: &str, variables: &Arguments) -> Self {
        Self {
            values: Map::new().into(),
            release: Map::new(),
            environment: environment.to_owned(),
            variables: variables.clone(),
        }
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

    /// Renders a text. An undefined value is an error. No function runs a program or reads the machine.
    pub fn render(&self, text: &str, file: &Arc<String>) -> Result<String, ImportError> {
        self.rendered(text, file, Undefined::Error)
    }

    /// The same; `undefined` says what an undefined value is.
    pub fn rendered(&self, text: &str, file: &Arc<String>, undefined: Undefined) -> Result<String, ImportError> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let all = functions::all();
        let helms = all.names().filter_map(|name| all.get(name));
        let mut set = Templates::new(Functions::new(helms.chain(&OWN)));
        set.add(file, file, text).map_err(Box::new)?;
        let mut host = Host::new("", Time::utc(0, 0), Chance::Placeholder);
        host.variables.clone_from(&self.variables);
        let root = functions::from_document(&self.root(), Numbers::Integers);
        let missing = if undefined == Undefined::Error { Missing::Error } else { Missing::Zero };
        let made = Run::new(&set, &host, missing, Limits::default()).execute(file, &root);
        match made {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.to_string().contains(NO_VARIABLE) => {
                Err(ImportError::Variables { file: file.to_string(), variables: self.unknown_variables(text) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The variables that a text reads and that have no value: all of them, so that people give them at once.
    fn unknown_variables(&self, text: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for read in READS.iter().flat_map(|it| it.captures_iter(text)) {
            let name = read[1].to_owned();
            if !self.variables.contains_key(&name) && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn word(args: &[Dynamic], at: usize) -> Result<String, Fault> {
    match args.get(at) {
        Some(Dynamic::Str(text)) => Ok(text.lossy().into_owned()),
        _ => Err(Fault::signature()),
    }
}

/// `env` and `requiredEnv`: only what was given.
fn variable(run: &mut Run<'_>, args: &[Dynamic]) -> Result<Dynamic, Fault> {
    let host = run.host::<Host>().ok_or_else(Fault::signature)?;
    let given = host.variables.get(&word(args, 0)?);
    given.map(|it| it.as_str().into()).ok_or_else(|| Fault::new(NO_VARIABLE))
}

/// `get PATH [DEFAULT] MAP` as helmfile has it; `get MAP KEY` as Helm has it.
fn get(run: &mut Run<'_>, args: &[Dynamic]) -> Result<Dynamic, Fault> {
    if let [Dynamic::Map(_), Dynamic::Str(_)] = args {
        let helms = functions::all().get("get").ok_or_else(Fault::signature)?;
        return (helms.body)(run, args);
    }
    let path = word(args, 0)?;
    let root = args.last().ok_or_else(Fault::signature)?;
    match (root.dig(path.split('.')), args.len()) {
        (Some(found), _) => Ok(found),
        (None, 3) => Ok(args[1].clone()),
        (None, _) => Err(Fault::new(format!("there is no value `{path}`"))),
    }
}

fn get_or_nil(_: &mut Run<'_>, args: &[Dynamic]) -> Result<Dynamic, Fault> {
    let path = word(args, 0)?;
    Ok(args.get(1).and_then(|it| it.dig(path.split('.'))).unwrap_or(Dynamic::Nil))
}
