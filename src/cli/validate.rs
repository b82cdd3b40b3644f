//! `weft validate`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use clap::{Args, ValueEnum};

use super::arguments::{ChangedArgs, Format, ProjectArgs, SelectArgs, SetArgs, SeveralArgs};
use super::many::{self, Lines, Names};
use super::terminal::Terminal;
use super::{Exit, acting, changed, planning, settings, wait};
use crate::diagnostic::{Failure, counted};
use crate::pipeline::{self, ClusterOverride, Exposures, InvalidObject, Rendering, Revision, Settings};
use crate::plan::{Guards, Ruling};
use crate::policy::Judgement;
use crate::report::{self, Level, Notice};
use crate::sandbox::{self, Options, Places};
use crate::schema;
use crate::value::Path;

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The environments; all of them where none is named.
    environments: Vec<String>,
    #[command(flatten)]
    several: SeveralArgs,
    /// Also apply each environment to a sandbox, and report what a real API server says.
    #[arg(long)]
    sandbox: bool,
    /// Check against the kinds that this release of Kubernetes serves, such as `1.28`. Their fields are those of the newest
    /// release that is known, whatever it says.
    #[arg(long, value_name = "VERSION", value_parser = release)]
    kubernetes: Option<u32>,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    changed: ChangedArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

/// In which form the problems are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for each environment; the problems go to standard error.
    Text,
    /// Test results.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub.
    Github,
    /// A Code Quality report of GitLab.
    Gitlab,
}

impl Form {
    /// The problems of these environments, whose project is in this folder of its repository.
    fn write(self, names: &[String], notices: &[Notice], folder: &str) -> String {
        let format = match self {
            Self::Text => return String::new(),
            Self::Junit => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                return report::junit_of_notices(&names, notices, folder);
            }
            Self::Sarif => Format::Sarif,
            Self::Github => Format::Github,
            Self::Gitlab => Format::Gitlab,
        };
        planning::annotations(notices, folder, format)
    }
}

/// `1.28` or `v1.28.3`.
fn release(text: &str) -> Result<u32, String> {
    let (oldest, newest) = schema::RELEASES;
    let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
    let minor = (parts.next() == Some("1")).then(|| parts.next()).flatten().and_then(|it| it.parse().ok());
    minor
        .filter(|it| (oldest..=newest).contains(it))
        .ok_or_else(|| format!("the kinds of the releases 1.{oldest} to 1.{newest} are known"))
}

/// What is found in an environment, said at once and kept for other forms.
struct ValidationFindings<'f> {
    environment: &'f str,
    form: Form,
    terminal: &'f Terminal,
    notices: Vec<Notice>,
}

impl ValidationFindings<'_> {
    /// Something that is wrong, of which `text` is all that is said of it on a terminal.
    fn say(&mut self, text: &str, notice: Notice) {
        self.terminal.warn(text);
        self.notices.push(notice);
    }

    fn notice(&self, level: Level, rule: &str, message: String) -> Notice {
        Notice::new(level, rule, self.environment, message)
    }

    fn print(&self, line: &str) -> Result<(), Failure> {
        if self.form == Form::Text { Ok(self.terminal.print(line)?) } else { Ok(()) }
    }
}

pub(super) fn run(args: &ValidateArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let names = Names::or_all(&args.environments, &args.several, &args.project)?;
    let ask = (&args.select, &args.set);
    let touched = changed::touched(&names.list, &args.changed, &args.project, ask, terminal)?;
    let found = AtomicUsize::new(0);
    let all: Mutex<Vec<Notice>> = Mutex::new(Vec::new());
    let check = |environment: &str, terminal: &Terminal| {
        let select = match touched.as_ref().and_then(|it| it.get(environment)) {
            None => args.select.clone(),
            Some(change) if change.touched.names().is_empty() => return Ok(Exit::Done),
            Some(change) => SelectArgs { gone: Vec::new(), ..changed::selected(change.clone()) },
        };
        let settings = settings::offline(environment, &args.project, &select, &args.set)?;
        let mut own = ValidationFindings { environment, form: args.output, terminal, notices: Vec::new() };
        let checked = check(&settings, args.kubernetes.unwrap_or(schema::RELEASES.1), &mut own);
        let checked = match checked {
            Ok(problems) if args.sandbox => check_in_sandbox(settings, &mut own).map(|more| problems + more),
            checked => checked,
        };
        let failed = checked.as_ref().err().map(|it| it.diagnostics.as_slice()).unwrap_or_default();
        own.notices.extend(failed.iter().map(|it| Notice::failed(environment, it)));
        if let Ok(mut all) = all.lock() {
            all.append(&mut own.notices);
        }
        let problems = checked?;
        found.fetch_add(problems, Ordering::Relaxed);
        Ok(if problems == 0 { Exit::Done } else { Exit::Invalid })
    };
    let fates = many::lines(&names, terminal, check);
    fates.iter().flatten().flatten().try_for_each(|lines| terminal.print(&lines.text))?;
    let mut notices = all.into_inner().unwrap_or_default();
    notices.sort_by_key(|it| (it.level, names.list.iter().position(|name| *name == it.environment)));
    terminal.print(&args.output.write(&names.list, &notices, &settings::folder(&args.project)))?;
    let errors = |fate: &many::EnvironmentOutcome<Lines>| match fate {
        Some(Err(failure)) => failure.diagnostics.len(),
        _ => 0,
    };
    let problems = found.into_inner() + fates.iter().map(errors).sum::<usize>();
    let is_valid =
        |fate: &&many::EnvironmentOutcome<Lines>| matches!(fate, Some(Ok(lines)) if lines.exit == Exit::Done);
    let invalid = fates.len() - fates.iter().filter(is_valid).count();
    if invalid > 0 {
        let problems = counted(problems, "problem");
        let all = counted(fates.len(), "environment");
        terminal.say(&format!("{problems}: {invalid} of {all} not valid"));
    }
    Failure::collect(fates.into_iter().flatten())?;
    Ok(if invalid == 0 { Exit::Done } else { Exit::Invalid })
}

/// Checks an environment and prints a line about it; returns how many problems there are.
fn check(settings: &Settings, release: u32, found: &mut ValidationFindings) -> Result<usize, Failure> {
    let served = schema::served(release).unwrap_or_else(schema::builtin);
    let revision = pipeline::revision_on(settings, &Arc::new(served))?;
    let rendering = &revision.rendering;
    for warning in &rendering.desired.warnings {
        let notice = found.notice(Level::Warning, "warning", warning.clone());
        found.say(warning, notice);
    }
    let violations = pipeline::violations(&rendering.desired);
    for violation in &violations {
        invalid(violation, found);
    }
    let denied = denied(&revision, found)?;
    let shown = exposures(rendering, found)?;
    let unread = &rendering.unread;
    for it in unread {
        let release = &it.release;
        let path = &it.path;
        let origin = &it.origin;
        let said = format!("no template of release `{release}` reads the value `{path}`");
        let notice = found.notice(Level::Error, "validate/unread", said.clone());
        let notice = Notice { release: Some(release.clone()), origin: Some(origin.clone()), ..notice };
        found.say(&format!("{said}\n --> {origin}"), notice);
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
    let policies = (denied > 0).then(|| counted(denied, "finding") + " of policies that deny");
    let problems: Vec<String> = unread_values.into_iter().chain(invalid).chain(policies).chain(shown_values).collect();
    let problems = if problems.is_empty() { "ok".to_owned() } else { problems.join(", ") };
    found.print(&format!("{}: {objects} of {releases}: {problems}\n", settings.environment))?;
    Ok(unread.len() + violations.len() + denied + shown)
}

/// Says what the policies find in the objects, and which of them need a plan; returns how much of it is denied.
fn denied(revision: &Revision, said: &mut ValidationFindings) -> Result<usize, Failure> {
    let Judgement { findings, unjudged } = pipeline::judged(revision, &pipeline::fresh_key()?)?;
    let objects: HashMap<_, _> = revision.rendering.desired.objects.iter().map(|it| (&it.id, it)).collect();
    for it in &findings {
        let level = if it.ruling == Ruling::Deny { Level::Error } else { Level::Warning };
        let origin = it.object.as_ref().and_then(|id| objects.get(id)).map(|it| it.origin.clone());
        let place = origin.as_ref().map(|it| format!("\n --> {it}")).unwrap_or_default();
        let hint = format!("The rule is at {}.", it.policy);
        let denied = if it.ruling == Ruling::Deny { "denied: " } else { "" };
        said.terminal.warn(&format!("{denied}{it}{place}\n  = hint: {hint}"));
        let notice = said.notice(level, &format!("policy/{}", it.rule), it.message.clone());
        let object = it.object.clone();
        let release = it.release.clone();
        said.notices.push(Notice { object, release, origin, hint: Some(hint), ..notice });
    }
    if !unjudged.is_empty() {
        let lines: Vec<String> = unjudged.iter().map(ToString::to_string).collect();
        said.terminal.say(&lines.join("\n"));
        said.notices.push(said.notice(Level::Note, "unjudged", lines.join("\n")));
    }
    Ok(findings.iter().filter(|it| it.ruling == Ruling::Deny).count())
}

/// Says what a server would refuse of an object.
fn invalid(it: &InvalidObject, found: &mut ValidationFindings) {
    let InvalidObject { object, violation, meant } = it;
    let hint = meant.as_ref().map(|it| format!("Did you mean `{it}`?"));
    let notice = found.notice(Level::Error, "validate/field", violation.to_string());
    let id = Some(object.id.clone());
    let origin = Some(object.origin.clone());
    let release = Some(object.release.to_string());
    let notice = Notice { object: id, origin, release, hint: hint.clone(), ..notice };
    let hint = hint.map(|it| format!("\n  = hint: {it}")).unwrap_or_default();
    found.say(&format!("`{}` is not valid: {violation}\n --> {}{hint}", object.id, object.origin), notice);
}

/// Says where objects show secret values; returns how many of these places are wrong.
fn exposures(rendering: &Rendering, said: &mut ValidationFindings) -> Result<usize, Failure> {
    let Exposures { found, unused } = pipeline::exposures(rendering)?;
    for it in &found {
        let id = &it.object.id;
        let path = &it.path;
        let hint = it.spot.hint();
        let origin = &it.origin;
        let shows = format!("shows {} in `{path}`", named(&it.values));
        let level = if it.spot.is_wrong() { Level::Error } else { Level::Warning };
        let notice = said.notice(level, "validate/secret", shows.clone());
        let object = Some(id.clone());
        let hint = hint.to_string();
        let notice = Notice { object, origin: Some(origin.clone()), hint: Some(hint.clone()), ..notice };
        said.say(&format!("`{id}` {shows}\n --> {origin}\n  = hint: {hint}"), notice);
    }
    for rule in unused {
        let unused = "the exposure rule was not used: no such field shows a secret";
        let notice = said.notice(Level::Warning, "validate/rule", unused.to_owned());
        let notice = Notice { origin: Some(rule.origin.clone()), ..notice };
        said.say(&format!("{unused}\n --> {}", rule.origin), notice);
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
fn check_in_sandbox(settings: Settings, own: &mut ValidationFindings) -> Result<usize, Failure> {
    let terminal = own.terminal;
    let places = Places::new(settings.trust.network()?)?;
    let options = Options { places, nodes: 0, controllers: true, users: Vec::new() };
    let progress = terminal.progress();
    let at = |what: &str| progress.at(what);
    let environment = settings.environment.clone();
    let (found, after) = wait(async {
        let sandbox = sandbox::start(&options, &at).await?;
        let kubeconfig = Some(sandbox.kubeconfig().to_path_buf());
        let cluster = ClusterOverride { kubeconfig, ..ClusterOverride::default() };
        let settings = Settings { cluster, ..settings };
        let checked = Box::pin(async {
            let planned = pipeline::plan(&settings, &Guards::default(), &at).await?;
            let found = acting::rehearse(&planned).await?;
            let after = pipeline::plan(&settings, &Guards::default(), &at).await?.plan;
            Ok::<_, Failure>((found, after))
        });
        let checked = checked.await;
        sandbox.stop().await?;
        checked
    })?;
    progress.done();
    for problem in &found {
        let notice = own.notice(Level::Error, "validate/server", problem.clone());
        own.say(problem, notice);
    }
    // What was refused is pending still, and says nothing about what was taken.
    let again = if found.is_empty() { after.pending().collect() } else { Vec::new() };
    for step in &again {
        let again = format!("right after the apply a plan would {} {} again", step.action, step.object.id);
        let notice = own.notice(Level::Error, "validate/server", again.clone());
        own.say(&again, notice);
    }
    let objections = found.len() + again.len();
    let said = match objections {
        0 => "a real API server takes it, and a second plan is empty".to_owned(),
        1 => "a real API server has 1 objection".to_owned(),
        many => format!("a real API server has {many} objections"),
    };
    own.print(&format!("{environment}: {said}\n"))?;
    Ok(objections)
}
