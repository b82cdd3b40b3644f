//! `weft drift`: one look, correcting what was found, or looking again and again.

mod metrics;
mod telling;
mod watch;

use std::net::SocketAddr;

use clap::Args;
use jiff::Timestamp;

use self::telling::{TellArgs, Teller};
use super::acting::{self, ActingArgs};
use super::arguments::{Format, JudgeArgs, OutputArgs, SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Ends, EnvironmentOutcome, Looked, Targets};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::cluster::Cluster;
use crate::diagnostic::Failure;
use crate::drift::{self, DriftCheck, EnvironmentCheck, Verdict};
use crate::pipeline::{self, DriftOptions, Planned, Settings};
use crate::report::{self, Purpose};
use crate::state::second;

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Put back what was found, as `apply` would: what the repository changes besides is left alone, and nothing is
    /// deleted.
    #[arg(long)]
    correct: bool,
    #[command(flatten)]
    acting: ActingArgs,
    #[command(flatten)]
    guards: GuardArgs,
    /// Do not remember what was found. Without it, findings are kept in the namespace of the state, so that the next look
    /// knows since when and how often.
    #[arg(long)]
    no_record: bool,
    /// Also find objects in the namespaces of the releases that nobody manages.
    #[arg(long)]
    unmanaged: bool,
    #[command(flatten)]
    telling: TellArgs,
    /// Look again and again, after this time (`10m`, `1h`), until a signal ends it.
    #[arg(long, value_name = "INTERVAL", value_parser = super::arguments::seconds, conflicts_with = "correct")]
    watch: Option<u64>,
    /// With `--watch`: serve `/metrics`, `/healthz` and `/readyz` at this address, such as `0.0.0.0:9100`.
    #[arg(long, value_name = "ADDRESS", requires = "watch")]
    listen: Option<SocketAddr>,
}

/// What a look at an environment came to.
pub(super) struct Drifted {
    looked: Looked,
    look: DriftCheck,
    cluster: Cluster,
    namespace: String,
}

impl Ends for Drifted {
    fn exit(&self) -> Exit {
        self.looked.exit
    }
}

/// One look at all environments.
struct Round {
    at: String,
    fates: Vec<EnvironmentOutcome<Drifted>>,
}

pub(super) fn run(args: &DriftArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    let teller = args.telling.teller()?;
    if args.correct {
        return correct(args, &targets, &teller, terminal);
    }
    if let Some(seconds) = args.watch {
        return watch::run(args, &targets, &teller, seconds, terminal);
    }
    look_once(args, &targets, &teller, terminal)
}

/// Looks at all environments, prints and tells what was found.
fn look_once(args: &DriftArgs, targets: &Targets, teller: &Teller, terminal: &Terminal) -> Result<Exit, Failure> {
    let round = round(args, targets, terminal);
    let failed = teller.tell(&round.told(targets), &round.doors(), terminal);
    let exit = show(&round, targets, &args.output, terminal)?;
    Ok(if failed && exit == Exit::Done { Exit::Invalid } else { exit })
}

fn round(args: &DriftArgs, targets: &Targets, terminal: &Terminal) -> Round {
    let fates = many::gather(targets, terminal, |target, terminal| {
        let (planned, look) = look(args, target, terminal)?;
        Ok(drifted(&planned, look))
    });
    Round { at: second(Timestamp::now()), fates }
}

fn look(args: &DriftArgs, target: &TargetArgs, terminal: &Terminal) -> Result<(Planned, DriftCheck), Failure> {
    let settings = Settings { judge: args.judge.into(), ..settings::online(target, &args.set)? };
    let looking = DriftOptions { record: !args.no_record, unmanaged: args.unmanaged };
    let progress = terminal.progress();
    let found = wait(pipeline::look(&settings, &args.guards.guards(), looking, &|what| progress.at(what)))?;
    progress.done();
    Ok(found)
}

fn drifted(planned: &Planned, look: DriftCheck) -> Drifted {
    let namespace = planned.project.environment.state_namespace.clone();
    Drifted { looked: looked(planned, &look), look, cluster: planned.cluster.clone(), namespace }
}

/// What a look tells, and how it ends.
pub(super) fn looked(planned: &Planned, look: &DriftCheck) -> Looked {
    let report = planning::report(planned, Purpose::Drift, planned.plan.drift());
    let exit = match look.verdict() {
        Verdict::Clean => Exit::Done,
        Verdict::Drift => Exit::Differences,
        Verdict::Unknown | Verdict::Failed | Verdict::Skipped => Exit::Unknown,
    };
    Looked { report, key: planned.state.key.clone(), exit }
}

/// Prints what was found: as a report with what is remembered of it, or as one document.
fn show(round: &Round, targets: &Targets, output: &OutputArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    if output.format == Format::Json {
        let exit = many::exit(&round.fates);
        terminal.print(&format!("{:#}\n", drift::document(&round.told(targets), exit.code())))?;
        return many::conclude(targets, &round.fates, exit, terminal);
    }
    let exit = many::show(targets, &round.fates, output, terminal, |it| &it.looked)?;
    let looks = round.fates.iter().flatten().flatten().map(|it| &it.look);
    let text: String = looks.map(drift::text).collect();
    match (output.format, text.is_empty()) {
        (_, true) | (Format::Html | Format::Junit | Format::Sarif | Format::Github | Format::Gitlab, false) => {}
        (Format::Markdown, false) => terminal.print(&format!("\n{}", report::fenced(&text)))?,
        (_, false) => terminal.print(&text)?,
    }
    Ok(exit)
}

impl Round {
    fn told<'r>(&'r self, targets: &'r Targets) -> Vec<EnvironmentCheck<'r>> {
        let told = |(environment, fate): (&'r String, &'r EnvironmentOutcome<Drifted>)| match fate {
            Some(Ok(it)) => {
                EnvironmentCheck { environment, at: &it.look.at, fate: drift::EnvironmentResult::Looked(&it.look) }
            }
            Some(Err(failure)) => EnvironmentCheck {
                environment,
                at: &self.at,
                fate: drift::EnvironmentResult::Failed(&failure.diagnostics),
            },
            None => EnvironmentCheck { environment, at: &self.at, fate: drift::EnvironmentResult::Skipped },
        };
        targets.names.list.iter().zip(&self.fates).map(told).collect()
    }

    /// The clusters with the namespaces of the state, by environment, where one was reached.
    fn doors(&self) -> Vec<Option<(&Cluster, &str)>> {
        let looked = self.fates.iter().map(|fate| fate.as_ref().and_then(|it| it.as_ref().ok()));
        looked.map(|it| it.map(|it| (&it.cluster, it.namespace.as_str()))).collect()
    }
}

/// Puts back what others did, under all guards of an apply. What is left alone, or could not be looked at, decides about
/// the exit code where all else went well.
fn correct(args: &DriftArgs, targets: &Targets, teller: &Teller, terminal: &Terminal) -> Result<Exit, Failure> {
    let left = std::sync::Mutex::new(Exit::Done);
    let plan = |target: &TargetArgs, terminal: &Terminal| {
        let (planned, look) = look(args, target, terminal)?;
        let told = EnvironmentCheck {
            environment: &look.environment,
            at: &look.at,
            fate: drift::EnvironmentResult::Looked(&look),
        };
        teller.tell(&[told], &[Some((&planned.cluster, &planned.project.environment.state_namespace))], terminal);
        let exit = if look.unseen.is_empty() { Exit::Done } else { Exit::Unknown };
        let (corrected, remains) = pipeline::correct(planned);
        let exit = if remains { Exit::gravest([exit, Exit::Differences]) } else { exit };
        if let Ok(mut left) = left.lock() {
            *left = Exit::gravest([*left, exit]);
        }
        Ok(corrected)
    };
    let exit = match targets.one() {
        Some(target) => acting::act(&plan(target, terminal)?, &args.acting, args.output.format, terminal)?,
        None => many::act(targets, &args.acting, args.output.format, terminal, plan, |consent, terminal| {
            acting::execute(consent, &args.acting, terminal)
        })?,
    };
    Ok(Exit::gravest([exit, left.into_inner().unwrap_or(Exit::Done)]))
}
