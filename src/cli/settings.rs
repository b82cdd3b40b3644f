//! From arguments and the environment of the process to a run's settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::{ProjectArgs, SelectArgs, SetArgs, TargetArgs};
use crate::cluster::Pace;
use crate::diagnostic::Failure;
use crate::diff::Judge;
use crate::keys;
use crate::pipeline::{ClusterOverride, Settings};
use crate::project::Selection;
use crate::source::Source;
use crate::trust::{Allowance, BadAllowance, ProcessEnvironment, Trust};
use crate::values::{self, Layer, SetKind, ValuesError};

/// Names what a repository may say about clusters.
const ALLOW: &str = "WEFT_ALLOW_CLUSTER";

/// The settings of a verb that needs no cluster.
pub(super) fn offline(
    environment: &str,
    project: &ProjectArgs,
    select: &SelectArgs,
    set: &SetArgs,
) -> Result<Settings, Failure> {
    Ok(Settings {
        source: Source::open(&absolute(&project.project), project.at.as_deref())?,
        environment: environment.to_owned(),
        selection: Selection {
            releases: select.releases.clone(),
            labels: select.labels.clone(),
            gone: select.gone.clone(),
        },
        overrides: overrides(set)?,
        set: set.names(),
        identities: project.identities.iter().map(|path| absolute(path)).collect(),
        cluster: ClusterOverride::default(),
        judge: Judge::default(),
        trust: own(),
        declared: select.declared.clone(),
    })
}

/// The settings of a closed run.
pub(super) fn closed(
    environment: &str,
    project: &ProjectArgs,
    select: &SelectArgs,
    trust: &Trust,
) -> Result<Settings, Failure> {
    Ok(Settings { trust: trust.clone(), ..offline(environment, project, select, &SetArgs::default())? })
}

/// The settings of a verb that talks to a cluster.
pub(super) fn online(target: &TargetArgs, set: &SetArgs) -> Result<Settings, Failure> {
    let TargetArgs { environment, select, project, cluster } = target;
    let kubeconfig = cluster.kubeconfig.as_deref().map(absolute);
    let allow = &cluster.allow_cluster;
    let pace = Pace { in_flight: cluster.concurrency, patience: Duration::from_secs(cluster.patience) };
    let cluster = ClusterOverride { kubeconfig, context: cluster.context.clone(), pace };
    let trust = Trust::own(process(), allowed(allow)?);
    Ok(Settings { cluster, trust, ..offline(environment, project, select, set)? })
}

/// What the owner of the machine lets repositories say about clusters.
pub(super) fn allowed(given: &[Allowance]) -> Result<Vec<Allowance>, Failure> {
    let process = process();
    let named = process.get(ALLOW).into_iter().flat_map(|it| it.split(',')).map(str::trim).filter(|it| !it.is_empty());
    let named: Vec<Allowance> = named.map(str::parse).collect::<Result<_, BadAllowance>>()?;
    Ok(given.iter().cloned().chain(named).collect())
}

/// The project's folder in its git repository, in which forges count paths; empty for the top. What cannot be opened is in
/// none, and is told by whoever needs it.
pub(super) fn folder(project: &ProjectArgs) -> String {
    let source = Source::open(&absolute(&project.project), project.at.as_deref());
    source.map(|it| it.folder()).unwrap_or_default()
}

/// The environment of the process.
pub(super) fn process() -> ProcessEnvironment {
    ProcessEnvironment::read()
}

/// For files of the user's own, and what the user talks to.
pub(super) fn own() -> Trust {
    Trust::own(process(), Vec::new())
}

/// A path of the command line, which is relative to the current folder; `-` stays.
pub(super) fn absolute(path: &Path) -> PathBuf {
    if path == Path::new(keys::STANDARD_INPUT) {
        return path.to_path_buf();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The layers of `--set` and its kin, in the order: plain, text, JSON.
pub(super) fn overrides(args: &SetArgs) -> Result<Vec<Layer>, ValuesError> {
    let plain = args.set.iter().map(|text| (text, SetKind::Typed));
    let string = args.set_string.iter().map(|text| (text, SetKind::Text));
    let json = args.set_json.iter().map(|text| (text, SetKind::Json));
    plain.chain(string).chain(json).map(|(text, kind)| values::parse_set(text, kind)).collect()
}
