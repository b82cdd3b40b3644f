//! `weft plan`.

use clap::Args;

use super::arguments::{ChangedArgs, JudgeArgs, OutputArgs, PageArgs, SetArgs, TargetArgs, TargetsArgs, View};
use super::many::{self, Looked, Targets};
use super::planning::{self, GuardArgs};
use super::saving::SavingArgs;
use super::terminal::Terminal;
use super::{Exit, settings};
use crate::diagnostic::Failure;
use crate::pipeline::Settings;
use crate::report::{Purpose, Report};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    changed: ChangedArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    saving: SavingArgs,
    /// How changes are laid out, in text and Markdown.
    #[arg(long, value_name = "VIEW", default_value = "text")]
    view: View,
    /// Show what rules ignore as well, with the reason of each.
    #[arg(long)]
    show_ignored: bool,
    #[command(flatten)]
    page: PageArgs,
    /// End with exit code 2 where there is anything to do.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    guards: GuardArgs,
}

impl PlanArgs {
    fn form(&self) -> OutputArgs {
        let page = self.page.clone();
        OutputArgs { format: self.saving.format(), view: self.view, show_ignored: self.show_ignored, page }
    }
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    if args.saving.files().next().is_some() {
        targets.only("a plan is saved of")?;
    }
    let targets = targets.changed(&args.changed, &args.set, terminal)?;
    many::look(&targets, &args.form(), terminal, |target, terminal| look(args, target, terminal))
}

fn look(args: &PlanArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let settings = Settings { judge: args.judge.into(), ..settings::online(target, &args.set)? };
    let guards = args.guards.guards();
    let planned = planning::plan_with(&settings, &guards, terminal)?;
    let report = planning::report(&planned, Purpose::Plan, planned.plan.clone());
    let report = Report { touched: target.select.touched.clone(), ..report };
    args.saving.save(&planned, (&settings, &args.set, &guards), &report, terminal)?;
    let exit = planning::verdict(&report.plan, args.exit_code);
    Ok(Looked { report, key: planned.state.key, exit })
}
