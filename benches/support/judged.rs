//! What `weft diff` does between its arguments and its report, in this process: how long each part takes.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use weft::diff::Judge;
use weft::pipeline::{self, ClusterOverride, Planned, Settings};
use weft::plan::Guards;
use weft::project::Selection;
use weft::source::Source;
use weft::trust::{ProcessEnvironment, Trust};

use super::Failure;
use super::project::{ENVIRONMENT, Project};

/// The part with which judging begins: what is before it is the project and the connection.
const FIRST: &str = "reading what was applied";
/// The part that is not judging.
const RENDERING: &str = "rendering";

/// One run.
pub struct Judged {
    /// The plan, with all that it came from.
    pub planned: Planned,
    /// From discovery and the inventories to the plan, without rendering: all LISTs, all proofs.
    pub took: Duration,
    /// The parts in order, with the time and the processor time of each.
    pub parts: Vec<(String, Duration, Duration)>,
}

/// Plans a project.
pub async fn judge(project: &Project, kubeconfig: &Path) -> Result<Judged, Failure> {
    let settings = Settings {
        source: Source::open(project.path(), None)?,
        environment: ENVIRONMENT.to_owned(),
        selection: Selection::default(),
        overrides: Vec::new(),
        set: Vec::new(),
        identities: Vec::new(),
        cluster: ClusterOverride { kubeconfig: Some(kubeconfig.to_owned()), ..ClusterOverride::default() },
        judge: Judge::Proofs,
        trust: Trust::own(ProcessEnvironment::default(), Vec::new()),
        declared: None,
    };
    let marks = Mutex::new(Vec::new());
    let note = |what: &str| {
        let mark = (what.to_owned(), Instant::now(), processor_time());
        marks.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
    };
    let planned = pipeline::plan(&settings, &Guards::default(), &note).await.map_err(|error| format!("{error:?}"))?;
    note("the end");
    let marks = marks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let parts: Vec<_> =
        marks.windows(2).map(|it| (it[0].0.clone(), it[1].1 - it[0].1, it[1].2.saturating_sub(it[0].2))).collect();
    let judging = parts.iter().skip_while(|(what, ..)| what != FIRST).filter(|(what, ..)| what != RENDERING);
    let took = judging.map(|(_, took, _)| *took).sum();
    Ok(Judged { planned, took, parts })
}

/// The time that all threads of this process have run, to ten milliseconds; nothing where the kernel does not tell.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split(' ').skip(12).take(2);
    Duration::from_millis(fields.filter_map(|it| it.parse::<u64>().ok()).sum::<u64>() * 10)
}
