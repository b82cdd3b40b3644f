//! `weft chart render`.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use crate::chart::{self, Capabilities, Chance, Chart, Named};
use crate::cli::arguments::SetArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::pipeline::PipelineError;
use crate::source;
use crate::value::{Data, Value};
use crate::values::{self, Layer, SetKind};
use crate::yaml::Rules;

/// When the fixed functions are called: 2024-01-02T03:04:05Z.
const FIXED_TIME: i64 = 1_704_164_645;

/// Print what a chart comes to, byte for byte as `helm template` does. Needs no environment and no cluster.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(in crate::cli) struct RenderArgs {
    /// The chart: a folder, or a packed one.
    chart: PathBuf,
    /// A file of values. May be repeated; the last wins.
    #[arg(long = "values", short = 'f', value_name = "FILE")]
    values: Vec<PathBuf>,
    #[command(flatten)]
    set: SetArgs,
    /// Set a value to what a file holds: `config=app.conf`.
    #[arg(long, value_name = "PATH=FILE")]
    set_file: Vec<String>,
    /// Set a value to a text in which no character is special.
    #[arg(long, value_name = "PATH=TEXT")]
    set_literal: Vec<String>,
    /// The name of the release.
    #[arg(long, value_name = "NAME", default_value = "release-name")]
    name: String,
    /// The namespace of the release.
    #[arg(long, short = 'n', value_name = "NAME", default_value = "default")]
    namespace: String,
    /// Print the definitions of `crds/` as well.
    #[arg(long)]
    include_crds: bool,
    /// Print what the chart tells people (`NOTES.txt`), and nothing else.
    #[arg(long)]
    notes: bool,
    /// Leave hooks out.
    #[arg(long)]
    no_hooks: bool,
    /// Leave hooks out that are tests.
    #[arg(long)]
    skip_tests: bool,
    /// Tell the templates that the release is there already.
    #[arg(long)]
    is_upgrade: bool,
    /// The version of Kubernetes that templates are told.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    kube_version: Option<Capabilities>,
    /// A version or kind that templates are told is served, such as `monitoring.coreos.com/v1`. May be repeated.
    #[arg(long = "api-versions", short = 'a', value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// How passwords, keys, certificates and the time come about.
    #[arg(long, value_name = "ENGINE", default_value = "weft")]
    engine: Engine,
    /// Give the functions that are random or ask for the time fixed results, for comparisons with Helm.
    #[arg(long)]
    fixed_functions: bool,
}

/// How passwords, keys, certificates and the time come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Placeholders, and the time of the commit.
    Weft,
    /// At random, and the present time, as Helm does it.
    Helm,
}

pub(super) fn run(args: &RenderArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    // The process ends with the chart: to give its memory back piece by piece would only take time.
    let chart = ManuallyDrop::new(load(&args.chart)?.on(on_all_cores));
    let (now, chance) = chance(args)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        capabilities = Capabilities { api_versions: capabilities.api_versions, ..version.clone() };
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    let named = Named {
        name: args.name.clone(),
        namespace: args.namespace.clone(),
        is_upgrade: args.is_upgrade,
        include_crds: args.include_crds,
        no_hooks: args.no_hooks,
        skip_tests: args.skip_tests,
        capabilities,
        now,
        chance,
    };
    let by_user = values::merge(layers(args)?).by_user;
    let out = if args.notes {
        chart::notes(&chart, &by_user, &named)?.into_bytes()
    } else {
        chart::template(&chart, &by_user, &named)?
    };
    terminal.print_bytes(&out)?;
    Ok(Exit::Done)
}

fn load(path: &Path) -> Result<Chart, Failure> {
    let path = settings::absolute(path);
    if path.is_file() {
        let bytes = files::bytes(&path)?;
        return Ok(Chart::of_archive(&bytes, &path.display().to_string())?);
    }
    let (tree, folder) = source::folder_of(&path)?;
    Ok(Chart::load(&tree, &folder)?)
}

fn on_all_cores(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(work);
}

/// The time, and where random things come from.
fn chance(args: &RenderArgs) -> Result<(i64, Chance), Failure> {
    if args.fixed_functions {
        return Ok((FIXED_TIME, Chance::Fixed));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(0));
    match args.engine {
        Engine::Weft => Ok((source::commit_time(&settings::absolute(&args.chart)).unwrap_or(now), Chance::Placeholder)),
        Engine::Helm => {
            let mut key = vec![0; 32];
            getrandom::fill(&mut key).map_err(PipelineError::Random)?;
            Ok((now, Chance::Drawn(key)))
        }
    }
}

/// What the user sets, in Helm's order: files, JSON, plain, text, files of texts, literal texts.
fn layers(args: &RenderArgs) -> Result<Vec<Layer>, Failure> {
    let mut layers = Vec::new();
    for path in &args.values {
        let file = Arc::new(path.display().to_string());
        let values = chart::values(&files::read(&settings::absolute(path))?, &file, Rules::Kubernetes)?;
        layers.push(Layer::of_user(file.as_str(), values));
    }
    let json = args.set.set_json.iter().map(|text| (text, SetKind::Json));
    let plain = args.set.set.iter().map(|text| (text, SetKind::Typed));
    let string = args.set.set_string.iter().map(|text| (text, SetKind::Text));
    for (text, kind) in json.chain(plain).chain(string) {
        layers.push(values::parse_set(text, kind)?);
    }
    for text in &args.set_file {
        layers.push(of_files(values::parse_set(text, SetKind::Text)?)?);
    }
    for text in &args.set_literal {
        layers.push(values::parse_set(text, SetKind::Literal)?);
    }
    Ok(layers)
}

/// The layer with what the files hold that it names.
fn of_files(mut layer: Layer) -> Result<Layer, Failure> {
    for (_, value) in &mut layer.nodes {
        if let Data::Text(path) = &value.data {
            let text = files::read(&settings::absolute(Path::new(path)))?;
            *value = Value { data: Data::Text(text), origin: value.origin.clone() };
        }
    }
    Ok(layer)
}

fn version(text: &str) -> Result<Capabilities, String> {
    Capabilities::of_version(text).ok_or_else(|| "it must be a version such as v1.36.0".to_owned())
}
