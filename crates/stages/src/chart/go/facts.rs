//! `.Chart` and `.Capabilities`.

use std::rc::Rc;
use std::sync::Arc;

use crate::chart::capabilities::Capabilities;
use crate::chart::member::Member;
use crate::chart::metadata::{Dependency, Import};
use weft_gotemplate::{Body, Fault, Function, Kind, List, Map, Object, Run, Str, Type, Value, downcast};

/// The version that charts for Helm are told.
const HELM: &str = "v4.3";

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (Str::from(key), value)).collect()
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    List::new(items.into_iter().collect()).into()
}

fn texts(items: &[String]) -> Value {
    list(items.iter().map(|it| Value::from(it.as_str())))
}

/// `.Chart`: what it says of itself, under the names of Go's fields.
pub fn chart(member: &Member<'_>, is_root: bool) -> Map {
    let it = &member.package.metadata;
    let annotations = it.annotations.iter().map(|(key, text)| (Str::from(key.as_str()), Value::from(text.as_str())));
    let annotations =
        if it.annotations.is_empty() { Map::nil(Type::Str) } else { Map::typed_of(Type::Str, annotations) };
    let person = |[name, email, url]: &[String; 3]| {
        let facts = [("Name", name), ("Email", email), ("URL", url)];
        map(facts.map(|(key, text)| (key, text.as_str().into()))).into()
    };
    let wanted = member.wants.iter().flatten().map(|it| dependency(it.says));
    let facts = [
        ("Name", member.name),
        ("Home", &it.home),
        ("Version", &it.version),
        ("Description", &it.description),
        ("Icon", &it.icon),
        ("APIVersion", &it.api_version),
        ("Condition", &it.condition),
        ("Tags", &it.tags),
        ("AppVersion", &it.app_version),
        ("KubeVersion", &it.kube_version),
        ("Type", &it.kind),
    ];
    let facts = facts.into_iter().map(|(key, text)| (key, Value::from(text)));
    let others = [
        ("Sources", texts(&it.sources)),
        ("Keywords", texts(&it.keywords)),
        ("Maintainers", list(it.maintainers.iter().map(person))),
        ("Deprecated", it.deprecated.into()),
        ("Annotations", annotations.into()),
        ("Dependencies", list(wanted)),
        ("IsRoot", is_root.into()),
    ];
    facts.chain(others).map(|(key, value)| (Str::from(key), value)).collect()
}

fn dependency(it: &Dependency) -> Value {
    let import = |it: &Import| {
        let (child, parent) = match it {
            Import::Export(name) => (format!("exports.{name}"), "."),
            Import::At { child, parent } => (child.clone(), parent.as_str()),
        };
        let entries = [("child", Value::from(child)), ("parent", parent.into())];
        Map::typed_of(Type::Str, entries.map(|(key, value)| (Str::from(key), value))).into()
    };
    map([
        ("Name", it.goes_by().into()),
        ("Version", it.version.as_str().into()),
        ("Repository", it.repository.as_str().into()),
        ("Condition", it.condition.as_str().into()),
        ("Tags", texts(&it.tags)),
        ("Enabled", true.into()),
        ("ImportValues", list(it.import_values.iter().map(import))),
        ("Alias", it.alias.as_str().into()),
    ])
    .into()
}

/// `.Capabilities`.
pub fn capabilities(capabilities: &Arc<Capabilities>) -> Value {
    Value::Object(Rc::new(Part { whole: Arc::clone(capabilities), which: Which::Capabilities }))
}

/// `.Capabilities` and what is below it.
struct Part {
    whole: Arc<Capabilities>,
    which: Which,
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Capabilities,
    KubeVersion,
    ApiVersions,
    HelmVersion,
}

static HAS: Function = Function::new("Has", &[Type::Str], has as Body);
static GIT_VERSION: Function = Function::new("GitVersion", &[], git_version as Body);
static STRING: Function = Function::new("String", &[], string as Body);

fn part(value: Option<&Value>) -> Result<&Part, Fault> {
    value.and_then(downcast::<Part>).ok_or_else(Fault::signature)
}

fn has(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [object, Value::Str(what)] = args else { return Err(Fault::signature()) };
    Ok(what.as_str().is_some_and(|it| part(Some(object)).is_ok_and(|part| part.whole.has(it))).into())
}

fn git_version(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(part(args.first())?.whole.version.as_str().into())
}

fn string(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(part(args.first())?.whole.normalized.as_str().into())
}

impl Object for Part {
    fn type_name(&self) -> &'static str {
        match self.which {
            Which::Capabilities => "*common.Capabilities",
            Which::KubeVersion => "common.KubeVersion",
            Which::ApiVersions => "common.VersionSet",
            Which::HelmVersion => "version.BuildInfo",
        }
    }

    fn kind(&self) -> Kind {
        match self.which {
            Which::Capabilities => Kind::Pointer,
            Which::ApiVersions => Kind::List,
            Which::KubeVersion | Which::HelmVersion => Kind::Struct,
        }
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let part = |which| Value::Object(Rc::new(Self { whole: Arc::clone(&self.whole), which }));
        match self.which {
            Which::Capabilities => vec![
                ("KubeVersion", part(Which::KubeVersion)),
                ("APIVersions", part(Which::ApiVersions)),
                ("HelmVersion", part(Which::HelmVersion)),
            ],
            Which::KubeVersion => vec![
                ("Version", self.whole.version.as_str().into()),
                ("Major", self.whole.major.as_str().into()),
                ("Minor", self.whole.minor.as_str().into()),
            ],
            Which::HelmVersion => vec![
                ("Version", HELM.into()),
                ("GitCommit", "".into()),
                ("GitTreeState", "".into()),
                ("GoVersion", "go1.26".into()),
                ("KubeClientVersion", "v1.37".into()),
            ],
            Which::ApiVersions => Vec::new(),
        }
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        match (self.which, name) {
            (Which::ApiVersions, "Has") => Some(&HAS),
            (Which::KubeVersion, "GitVersion") => Some(&GIT_VERSION),
            (Which::KubeVersion, "String") => Some(&STRING),
            _ => None,
        }
    }

    fn names(&self) -> Vec<&'static str> {
        let methods: &[&str] = match self.which {
            Which::ApiVersions => &["Has"],
            Which::KubeVersion => &["GitVersion", "String"],
            Which::Capabilities | Which::HelmVersion => &[],
        };
        self.fields().into_iter().map(|(name, _)| name).chain(methods.iter().copied()).collect()
    }

    fn text(&self) -> Option<Str> {
        (self.which == Which::KubeVersion).then(|| self.whole.normalized.as_str().into())
    }

    fn underlying(&self) -> Option<Value> {
        let strings = || List::strings(self.whole.api_versions.iter().map(String::as_str));
        (self.which == Which::ApiVersions).then(|| strings().into())
    }
}
