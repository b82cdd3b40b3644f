//! `weft validate`.

use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;

use super::arguments::{ChangedArgs, ProjectArgs, SelectArgs, SetArgs, SeveralArgs};
use super::many::{self, Lines, Names};
use super::terminal::Terminal;
use super::{Exit, acting, changed, counted, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, ClusterOverride, Exposures, Rendering, Settings};
use crate::plan::Guards;
use crate::sandbox::{self, Options, Places};
use crate::value::Path;

/// Check environments without a cluster: files, values, schemas, templates, objects, secrets outside Secrets, and values
/// that nobody reads.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The environments; all of them where none is named.
    environments: Vec<String>,
    #[command(flatten)]
    several: SeveralArgs,
    /// Also apply each environment to a sandbox, and report what a real API server says.
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    changed: ChangedArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &ValidateArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let names = Names::or_all(&args.environments, &args.several, &args.project)?;
    let ask = (&args.select, &args.set);
    let touched = changed::touched(&names.list, &args.changed, &args.project, ask, terminal)?;
    let found = AtomicUsize::new(0);
    let check = |environment: &str, terminal: &Terminal| {
        let select = match touched.as_ref().and_then(|it| it.get(environment)) {
            None => args.select.clone(),
            Some(touched) if touched.names().is_empty() => return Ok(Exit::Done),
            Some(touched) => SelectArgs { gone: Vec::new(), ..changed::selected(touched.clone()) },
        };
        let settings = settings::offline(environment, &args.project, &select, &args.set)?;
        let mut problems = check(&settings, terminal)?;
        if args.sandbox {
            problems += check_in_sandbox(settings, terminal)?;
        }
        found.fetch_add(problems, Ordering::Relaxed);
        Ok(if problems == 0 { Exit::Done } else { Exit::Invalid })
    };
    let fates = many::lines(&names, terminal, check);
    fates.iter().flatten().flatten().try_for_each(|lines| terminal.print(&lines.text))?;
    let errors = |fate: &many::Fate<Lines>| match fate {
        Some(Err(failure)) => failure.diagnostics.len(),
        _ => 0,
    };
    let problems = found.into_inner() + fates.iter().map(errors).sum::<usize>();
    let is_valid = |fate: &&many::Fate<Lines>| matches!(fate, Some(Ok(lines)) if lines.exit == Exit::Done);
    let invalid = fates.len() - fates.iter().filter(is_valid).count();
    if invalid > 0 {
        let (problems, all) = (counted(problems, "problem"), counted(fates.len(), "environment"));
        terminal.say(&format!("{problems}: {invalid} of {all} not valid"));
    }
    Failure::collect(fates.into_iter().flatten())?;
    Ok(if invalid == 0 { Exit::Done } else { Exit::Invalid })
}

/// Checks an environment and prints a line about it; returns how many problems there are.
fn check(settings: &Settings, terminal: &Terminal) -> Result<usize, Failure> {
    let rendering = pipeline::revision(settings)?.rendering;
    for warning in &rendering.desired.warnings {
        terminal.warn(warning);
    }
    let violations = pipeline::violations(&rendering.desired);
    for (object, violation) in &violations {
        terminal.warn(&format!("`{}` is not valid: {violation}\n --> {}", object.id, object.origin));
    }
    let shown = exposures(&rendering, terminal)?;
    let unread = &rendering.unread;
    for it in unread {
        let (release, path, origin) = (&it.release, &it.path, &it.origin);
        terminal.warn(&format!("no template of release `{release}` reads the value `{path}`\n --> {origin}"));
    }
    let objects = counted(rendering.desired.objects.len(), "object");
    let releases = counted(rendering.releases.len(), "release");
    let unread_values = match unread.len() {
        0 => None,
        1 => Some("1 value that nobody reads".to_owned()),
        many => Some(format!("{many} values that nobody reads")),
    };
    let invalid = (!violations.is_empty()).then(|| counted(violations.len(), "field") + " that a server would refuse");
    let shown_values = match shown {
        0 => None,
        1 => Some("1 place that shows a secret".to_owned()),
        many => Some(format!("{many} places that show secrets")),
    };
    let problems: Vec<String> = unread_values.into_iter().chain(invalid).chain(shown_values).collect();
    let problems = if problems.is_empty() { "ok".to_owned() } else { problems.join(", ") };
    terminal.print(&format!("{}: {objects} of {releases}: {problems}\n", settings.environment))?;
    Ok(unread.len() + violations.len() + shown)
}

/// Says where objects show secret values; returns how many of these places are wrong.
fn exposures(rendering: &Rendering, terminal: &Terminal) -> Result<usize, Failure> {
    let Exposures { found, unused } = pipeline::exposures(rendering)?;
    for it in &found {
        let (id, path, hint, origin) = (&it.object.id, &it.path, it.spot.hint(), &it.origin);
        terminal.warn(&format!("`{id}` shows {} in `{path}`\n --> {origin}\n  = hint: {hint}", named(&it.values)));
    }
    for rule in unused {
        terminal.warn(&format!("the exposure rule was not used: no such field shows a secret\n --> {}", rule.origin));
    }
    Ok(found.iter().filter(|it| it.spot.is_wrong()).count())
}

/// The paths of secret values, in words.
fn named(values: &[Path]) -> String {
    match values {
        [only] => format!("the secret value `{only}`"),
        [first, second] => format!("the secret values `{first}` and `{second}`"),
        [first, rest @ ..] => format!("the secret value `{first}` and {} more", rest.len()),
        [] => "a secret value".to_owned(),
    }
}

/// Applies an environment to a control plane of its own, and a second plan to see that it stays.
fn check_in_sandbox(settings: Settings, terminal: &Terminal) -> Result<usize, Failure> {
    let places = Places::of(&|name| settings.variables.get(name).cloned())?;
    let options = Options { places, nodes: 0, controllers: true, users: Vec::new() };
    let progress = terminal.progress();
    let at = |what: &str| progress.at(what);
    let environment = settings.environment.clone();
    let (found, after) = wait(async {
        let sandbox = sandbox::start(&options, &at).await?;
        let kubeconfig = Some(sandbox.kubeconfig().to_path_buf());
        let cluster = ClusterOverride { kubeconfig, ..ClusterOverride::default() };
        let settings = Settings { cluster, ..settings };
        let checked = async {
            let planned = pipeline::plan(&settings, &Guards::default(), &at).await?;
            let found = acting::rehearse(&planned).await?;
            let after = pipeline::plan(&settings, &Guards::default(), &at).await?.plan;
            Ok::<_, Failure>((found, after))
        };
        let checked = checked.await;
        sandbox.stop().await?;
        checked
    })?;
    progress.done();
    for problem in &found {
        terminal.warn(problem);
    }
    // What was refused is pending still, and says nothing about what was taken.
    let again = if found.is_empty() { after.pending().collect() } else { Vec::new() };
    for step in &again {
        terminal.warn(&format!("right after the apply a plan would {} {} again", step.action, step.object.id));
    }
    let objections = found.len() + again.len();
    let said = match objections {
        0 => "a real API server takes it, and a second plan is empty".to_owned(),
        1 => "a real API server has 1 objection".to_owned(),
        many => format!("a real API server has {many} objections"),
    };
    terminal.print(&format!("{environment}: {said}\n"))?;
    Ok(objections)
}
