//! `weft diff`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{ChangedArgs, JudgeArgs, OutputArgs, ProjectArgs, SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Looked, Targets};
use super::terminal::Terminal;
use super::{Exit, engine, planning, settings};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Revision, Settings};
use crate::plan::{Guards, Plan};
use crate::report::{Purpose, Report};
use crate::source::Source;

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    /// Compare what this revision renders with what the project renders, without a cluster. `A...B` is from where the
    /// ways of both parted to `B`.
    #[arg(long, value_name = "REVISION")]
    from: Option<String>,
    /// The revision that is compared with the one of `--from`, in place of the folder.
    #[arg(long, value_name = "REVISION", requires = "from", conflicts_with = "at")]
    to: Option<String>,
    /// Ask the cluster as well, and tell what the change does from what had drifted before.
    #[arg(long, requires = "from")]
    live: bool,
    /// Compare what another version of this program renders of the same project, without a cluster.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["from", "ChangedArgs"])]
    engine_from: Option<PathBuf>,
    #[command(flatten)]
    changed: ChangedArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 2 where there are differences.
    #[arg(long)]
    exit_code: bool,
}

impl DiffArgs {
    /// The revision that is compared with another: `--to`, or the second one of `A...B`.
    fn head(&self) -> Option<String> {
        let parted = self.from.as_ref().and_then(|it| it.split_once("...")).map(|(_, second)| second);
        self.to.clone().or_else(|| parted.filter(|it| !it.is_empty()).map(str::to_owned))
    }
}

pub(super) fn run(args: &DiffArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut targets = args.targets.clone();
    targets.project.at = args.head().or(targets.project.at);
    let targets = Targets::of(&targets)?.changed(&args.changed, &args.set, terminal)?;
    many::look(&targets, &args.output, terminal, |target, terminal| match (&args.from, &args.engine_from) {
        (Some(from), _) if args.live => with_live(args, from, target, terminal),
        (Some(from), _) => revisions(args, from, target, terminal),
        (None, Some(program)) => engines(args, program, target, terminal),
        (None, None) => with_cluster(args, target, terminal),
    })
}

fn with_cluster(args: &DiffArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let planned = planning::plan(target, &args.set, args.judge, &Guards::default(), terminal)?;
    // A comparison is neither approved nor refused: what a guard would say belongs to `plan`.
    let mut plan = planned.plan.clone();
    plan.refusals.clear();
    plan.findings.clear();
    let report = Report { digest: None, ..planning::report(&planned, Purpose::Plan, plan) };
    let exit = planning::exit(&report.plan, args.exit_code);
    Ok(Looked { report, key: planned.state.key, exit })
}

/// The settings of the revision that another is compared with.
fn base(args: &DiffArgs, from: &str, target: &TargetArgs) -> Result<Settings, Failure> {
    let project = ProjectArgs { at: Some(from.to_owned()), ..target.project.clone() };
    settings::offline(&target.environment, &project, &target.select, &args.set)
}

fn with_live(args: &DiffArgs, from: &str, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let base = base(args, from, target)?;
    let mut planned = planning::plan(target, &args.set, args.judge, &Guards::default(), terminal)?;
    pipeline::rebase(&mut planned, &base)?;
    planned.plan.refusals.clear();
    planned.plan.findings.clear();
    let report = planning::report(&planned, Purpose::Plan, planned.plan.clone());
    let commit = between(&base.source, &settings::online(target, &args.set)?.source)?;
    let report = Report { digest: None, commit, ..report };
    let exit = planning::exit(&report.plan, args.exit_code);
    Ok(Looked { report, key: planned.state.key, exit })
}

fn revisions(args: &DiffArgs, from: &str, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let base = base(args, from, target)?;
    let head = settings::offline(&target.environment, &target.project, &target.select, &args.set)?;
    let progress = terminal.progress();
    progress.at("rendering two revisions");
    let commit = between(&base.source, &head.source)?;
    let (before, after) = pipeline::revisions(base, head)?;
    progress.done();
    let key = pipeline::fresh_key()?;
    let mut warnings = warnings(before.as_ref(), &after);
    let (plan, unjudged) = pipeline::revised(before, after, &key)?;
    warnings.extend(unjudged);
    Ok(looked(args, Report { commit, warnings, touched: target.select.touched.clone(), ..of(plan) }, key))
}

fn engines(
    args: &DiffArgs,
    program: &std::path::Path,
    target: &TargetArgs,
    terminal: &Terminal,
) -> Result<Looked, Failure> {
    let settings = settings::offline(&target.environment, &target.project, &target.select, &args.set)?;
    let progress = terminal.progress();
    progress.at("rendering with both programs");
    let commit = commit(&settings.source)?;
    let head = pipeline::revision(&settings)?;
    let plan = engine::compare(program, target, &args.set, head)?;
    progress.done();
    let warnings = vec!["Both programs mask secret values, so a difference in these alone is not seen.".to_owned()];
    Ok(looked(args, Report { commit, warnings, ..of(plan) }, pipeline::fresh_key()?))
}

fn looked(args: &DiffArgs, report: Report, key: crate::masked::FingerprintKey) -> Looked {
    let exit = planning::verdict(&report.plan, args.exit_code);
    Looked { report, key, exit }
}

/// The report of a comparison in which no cluster was asked.
pub(super) fn of(plan: Plan) -> Report {
    Report { plan, ..Report::default() }
}

/// What the head says that the base does not say too.
fn warnings(base: Option<&Revision>, head: &Revision) -> Vec<String> {
    let known = |it: &&String| base.is_some_and(|base| base.rendering.desired.warnings.contains(it));
    head.rendering.desired.warnings.iter().filter(|it| !known(it)).cloned().collect()
}

/// `BASE..HEAD`.
fn between(base: &Source, head: &Source) -> Result<Option<String>, Failure> {
    Ok(commit(base)?.zip(commit(head)?).map(|(base, head)| format!("{base}..{head}")))
}

/// The commit of a source, and whether its files differ from it.
pub(super) fn commit(source: &Source) -> Result<Option<String>, Failure> {
    Ok(source.commit()?.map(|it| if it.dirty { format!("{} with changes", it.id) } else { it.id }))
}
