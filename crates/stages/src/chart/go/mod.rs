//! The Go templates of a chart, executed as Helm's engine does.
//!
//! All charts of a release share one set of templates and, below each other, one map of values. Files are parsed and
//! executed deepest first, in reverse order of their names: what a template changes in the values, the next one sees.

mod facts;
mod files;
mod values;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem;

use self::files::Files;
use self::values::Maker;
use super::capabilities::Capabilities;
use super::cores::{self, Cores};
use super::load::has_ending;
use super::lookups::{LiveView, Lookups};
use super::member::Member;
use super::package::File;
use super::render::Prepared;
use super::{Chart, ChartError, Context};
use weft_base::diagnostic::Trace;
use weft_base::tree::reads;
use weft_base::value::{Mark, Origin};
use weft_gotemplate::functions::{self, Chance, Host, Live, LookupRequest, Time};
use weft_gotemplate::{Fault, Function, Limits, Map, MapType, Missing, Run, Str, Templates, Value};
use weft_jinja::Secrets;

/// What templates learn of the release and of the server.
pub struct Facts {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether to say that the release is there already.
    pub is_upgrade: bool,
    /// What the server offers.
    pub capabilities: Arc<Capabilities>,
    /// The time that `now` gives, in seconds since 1970.
    pub now: i64,
    /// Where passwords, keys and certificates come from.
    pub chance: Chance,
    /// The live objects that it may see.
    pub live: Option<Arc<Lookups>>,
}

impl Facts {
    /// Those of a release of a chart in its environment.
    pub fn of(chart: &Chart, context: &Context) -> Self {
        Self {
            name: context.release.name.to_string(),
            namespace: context.release.namespace.clone(),
            is_upgrade: false,
            capabilities: chart.known.of(context.capabilities),
            now: context.making.now,
            chance: context.making.chance.clone(),
            live: context.making.live.clone().filter(|_| context.release.lookup),
        }
    }

    /// The same with other passwords, so that what they reach is told by the difference.
    pub fn stand_in(&self) -> Chance {
        match &self.chance {
            Chance::Derived(_) => Chance::Derived(b"stand-in".to_vec()),
            other => other.clone(),
        }
    }
}

/// The sets of templates of a chart: one for each choice of charts below, made when it is first rendered.
#[derive(Debug, Default)]
pub struct Sets(Mutex<HashMap<Vec<String>, Arc<Templates>>>);

/// What the Go templates of a release came to.
pub struct Output {
    /// The files, by path.
    pub files: Vec<Rendered>,
    /// What `NOTES.txt` of the chart itself came to.
    pub notes: Option<String>,
    /// The root objects of the charts, with the path of their values from the root's.
    pub roots: Roots,
    /// How many texts functions made up, and whether they only stand in for what a key would give.
    pub made: usize,
    /// Whether they only stand in for what a key would give.
    pub placeholders: bool,
    /// What was asked of the server.
    pub asked: Vec<LookupRequest>,
}

/// One rendered file.
pub struct Rendered {
    /// Its name in the set: `app/templates/service.yaml`.
    pub name: Arc<str>,
    /// The template's file: `charts/app/templates/service.yaml`.
    pub place: Arc<String>,
    /// What it came to.
    pub bytes: Vec<u8>,
}

impl Rendered {
    /// Its text.
    pub fn text(&self) -> Result<&str, ChartError> {
        let wrong = |wrong: std::str::Utf8Error| {
            weft_base::tree::TreeError::not_text(&self.place, &self.bytes, wrong.valid_up_to()).into()
        };
        std::str::from_utf8(&self.bytes).map_err(wrong)
    }

    /// The template, without a line.
    pub fn origin(&self) -> Origin {
        Origin::new(&self.place, Mark::default())
    }
}

/// One template of a release.
struct Renderable<'p> {
    name: String,
    file: &'p File,
    place: Arc<String>,
    base: String,
    root: usize,
}

/// Executes the templates of a release.
pub fn run(chart: &Chart, prepared: &Prepared, facts: &Facts, secrets: Secrets) -> Result<Output, ChartError> {
    let mut files = Vec::new();
    let mut notes = None;
    let (roots, host) = each(chart, prepared, facts, secrets, &mut |run, it, root| {
        let bytes = without_no_value(run.execute(&it.name, root).map_err(ChartError::go)?);
        if !it.name.ends_with("NOTES.txt") {
            files.push(Rendered { name: it.name.as_str().into(), place: Arc::clone(&it.place), bytes });
        } else if it.root == 0 && it.file.name == "templates/NOTES.txt" {
            notes = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(())
    })?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let made = host.made();
    let placeholders = made.iter().any(|it| it.placeholder);
    Ok(Output { files, notes, roots, made: made.len(), placeholders, asked: host.asked() })
}

/// Executes the templates once more, and tells which lines made the output of the one called `name`.
pub fn trace(
    chart: &Chart,
    prepared: &Prepared,
    facts: &Facts,
    secrets: Secrets,
    name: &str,
) -> Result<Trace, ChartError> {
    let mut trace = Trace::default();
    each(chart, prepared, facts, secrets, &mut |run, it, root| {
        if it.name == name {
            trace = run.trace(&it.name, root).map_err(ChartError::go)?.1;
        } else {
            run.execute(&it.name, root).map_err(ChartError::go)?;
        }
        Ok(())
    })?;
    Ok(trace)
}

/// The type of `.Values`.
static VALUES: MapType = MapType { name: "common.Values", methods: &VALUES_METHODS };

static VALUES_METHODS: [Function; 2] = [
    Function::new("AsMap", &[], |_, args| match args {
        // The same map under no name.
        [Value::Map(map)] => Ok(map.bare().into()),
        _ => Err(Fault::signature()),
    }),
    Function::new("YAML", &[], |_, args| match args {
        [values] => Ok(weft_base::yaml::write(&functions::to_document(values)?).into()),
        _ => Err(Fault::signature()),
    }),
];

type Roots = Vec<(Vec<String>, Value)>;

/// Does something with each template that renders something of its own, in Helm's order.
fn each(
    chart: &Chart,
    prepared: &Prepared,
    facts: &Facts,
    secrets: Secrets,
    act: &mut dyn FnMut(&mut Run<'_>, &Renderable<'_>, &Value) -> Result<(), ChartError>,
) -> Result<(Roots, Host), ChartError> {
    let roots = roots(prepared, facts, secrets);
    let renderables = renderables(prepared, chart.package.has_jinja())?;
    let templates = chart.go.get(&renderables, chart.cores)?;
    let chance = if secrets == Secrets::StandIn { facts.stand_in() } else { facts.chance.clone() };
    let mut host = Host::new(facts.name.clone(), Time::utc(facts.now, 0), chance);
    host.live = facts.live.clone().map(|lookups| Box::new(LiveView { lookups, secrets }) as Box<dyn Live>);
    let mut run = Run::new(&templates, &host, Missing::Zero, Limits::default());
    for it in renderables.iter().filter(|it| !base_name(&it.name).starts_with('_')) {
        let (_, root) = &roots[it.root];
        let about = [("Name", it.name.as_str()), ("BasePath", &it.base)];
        let about: Map = about.into_iter().map(|(key, text)| (Str::from(key), Value::from(text))).collect();
        if let Value::Map(map) = root {
            // A root object is a map of ours, in which everything can be set.
            let _ = map.set("Template".into(), about.named(&VALUES).into());
        }
        act(&mut run, it, root)?;
    }
    drop(run);
    if reads::is_on() && roots.iter().any(|(_, root)| root.was_read(["Capabilities"]) == Some(true)) {
        reads::function("capabilities");
    }
    Ok((roots, host))
}

impl Sets {
    /// The set of these templates.
    fn get(&self, renderables: &[Renderable], cores: Cores) -> Result<Arc<Templates>, ChartError> {
        let key: Vec<String> = renderables.iter().map(|it| it.name.clone()).collect();
        if let Some(set) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(set));
        }
        let mut set = Templates::new(functions::all().clone());
        let parse = |it: &Renderable| set.parse(&it.name, &it.place, Arc::clone(&it.file.data));
        for parsed in cores::each(cores, renderables, parse) {
            set.insert(parsed.map_err(ChartError::go)?);
        }
        let set = Arc::new(set);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&set));
        Ok(set)
    }
}

/// The templates of all charts of a release, in the order in which they are parsed and executed.
fn renderables<'p>(prepared: &Prepared<'p>, is_jinja: bool) -> Result<Vec<Renderable<'p>>, ChartError> {
    let mut all: Vec<Renderable> = Vec::new();
    let mut root = 0;
    prepared.root.each(&mut |member, path| {
        let full = full_path(&prepared.root, path);
        for file in &member.package.templates {
            let is_part = base_name(&file.name).starts_with('_');
            let lends_only = member.package.metadata.is_library() && !is_part;
            if lends_only || has_ending(&file.name, "j2") || (is_jinja && !is_template_of_jinja_chart(&file.name)) {
                continue;
            }
            all.push(Renderable {
                name: format!("{full}/{}", file.name),
                file,
                place: Arc::new(format!("{}/{}", member.package.folder, file.name)),
                base: format!("{full}/templates"),
                root,
            });
        }
        root += 1;
        Ok(())
    })?;
    // Of files with one name, which aliases can bring about, the last one counts.
    all.reverse();
    all.sort_by(|a, b| b.name.matches('/').count().cmp(&a.name.matches('/').count()).then_with(|| b.name.cmp(&a.name)));
    all.dedup_by(|a, b| a.name == b.name);
    Ok(all)
}

/// In a chart of ours, `templates/` may hold other files as well.
fn is_template_of_jinja_chart(name: &str) -> bool {
    let ending = Path::new(name).extension().is_some_and(|it| it == "tpl");
    ending || super::load::is_manifest(name) || name.ends_with("NOTES.txt")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `app/charts/redis` for the path `redis`.
pub(super) fn full_path(root: &Member, path: &[&str]) -> String {
    path.iter().fold(root.name.to_owned(), |full, name| format!("{full}/charts/{name}"))
}

/// The root objects of all charts, with the paths of their values, in the order of [`Member::each`].
fn roots(prepared: &Prepared, facts: &Facts, secrets: Secrets) -> Vec<(Vec<String>, Value)> {
    let mut maker = Maker::new(secrets);
    let values = maker.map(&prepared.values);
    let release = [
        ("Name", facts.name.as_str().into()),
        ("Namespace", facts.namespace.as_str().into()),
        ("IsUpgrade", facts.is_upgrade.into()),
        ("IsInstall", (!facts.is_upgrade).into()),
        ("Revision", Value::Int(1)),
        ("Service", "Helm".into()),
    ];
    let release: Map = release.into_iter().map(|(key, value)| (Str::from(key), value)).collect();
    let shared = Shared { release: release.into(), capabilities: facts::capabilities(&facts.capabilities) };
    let mut roots = Vec::new();
    shared.add(&prepared.root, &values, &mut Vec::new(), &mut roots);
    roots
}

/// What all charts of a release see.
struct Shared {
    release: Value,
    capabilities: Value,
}

impl Shared {
    /// Adds the root object of a chart, and those of the charts below.
    fn add(
        &self,
        member: &Member,
        values: &Map,
        path: &mut Vec<String>,
        roots: &mut Vec<(Vec<String>, Value)>,
    ) -> Value {
        let below = Map::new();
        let facts = [
            ("Chart", facts::chart(member, path.is_empty()).into()),
            ("Files", Files::value(member.package.files.clone())),
            ("Release", self.release.clone()),
            ("Capabilities", self.capabilities.clone()),
            ("Values", values.named(&VALUES).into()),
            ("Subcharts", below.clone().into()),
        ];
        let root: Value = facts.into_iter().map(|(key, value)| (Str::from(key), value)).collect::<Map>().into();
        roots.push((path.clone(), root.clone()));
        for it in &member.dependencies {
            let values = match values.peek(it.name.as_bytes()) {
                Some(Value::Map(map)) => map,
                _ => Map::new(),
            };
            path.push(it.name.to_owned());
            let child = self.add(it, &values, path, roots);
            path.pop();
            // See `run` for why this cannot fail.
            let _ = below.set(it.name.into(), child);
        }
        root
    }
}

/// Helm takes out what Go prints for what is not there, wherever it stands.
fn without_no_value(bytes: Vec<u8>) -> Vec<u8> {
    const NO_VALUE: &[u8] = b"<no value>";
    if memmem::find(&bytes, NO_VALUE).is_none() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = &bytes[..];
    while let Some((first, below)) = rest.split_first() {
        if let Some(below) = rest.strip_prefix(NO_VALUE) {
            rest = below;
        } else {
            out.push(*first);
            rest = below;
        }
    }
    out
}
