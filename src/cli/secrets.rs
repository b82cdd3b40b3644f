//! `weft secrets`.
//!
//! The one file of the command line that looks behind a mask: it hands the plain text to the person who asked for it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::{Timestamp, Unit};
use thiserror::Error;

use super::terminal::Terminal;
use super::{Exit, files, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::keys;
use crate::masked::Masked;
use crate::project::ProjectError;
use crate::secrets::{self, Identities, Recipient, Rule};
use crate::source::{ENVIRONMENTS, Source};
use crate::value::Origin;

/// Encrypted files: make keys, encrypt, decrypt, edit. The layout is that of SOPS with age recipients.
#[derive(Debug, Args)]
pub(super) struct SecretsArgs {
    #[command(subcommand)]
    verb: SecretsVerb,
}

#[derive(Debug, Subcommand)]
enum SecretsVerb {
    /// Make a new age identity.
    Keygen {
        /// Write it into this file, which only its owner can read, and print the public key.
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Encrypt a plain YAML file for the readers that `.sops.yaml` names.
    Encrypt {
        #[command(flatten)]
        file: FileArgs,
        /// A public age key in place of those in `.sops.yaml`. May be repeated.
        #[arg(long = "recipient", value_name = "KEY")]
        recipients: Vec<String>,
        /// Replace the file instead of printing the encrypted text.
        #[arg(long)]
        in_place: bool,
    },
    /// Print an encrypted file in plain text.
    Decrypt {
        #[command(flatten)]
        file: FileArgs,
    },
    /// Open an encrypted file in your editor (`VISUAL` or `EDITOR`), and encrypt what changed.
    Edit {
        #[command(flatten)]
        file: FileArgs,
    },
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file.
    file: PathBuf,
    /// The environment whose `identity:` may be used. Without it, the one in whose folder under `secrets/` the file is.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// The file with the rules, at the root of a project.
const RULES: &str = ".sops.yaml";

/// Why a verb on secrets fails beyond the secrets themselves.
#[derive(Debug, Error)]
enum SecretsVerbError {
    /// No rules and no recipients.
    #[error("nothing says who can read `{}`", path.display())]
    NoRules { path: PathBuf },
    /// The editor could not be run.
    #[error("cannot run the editor `{editor}`")]
    Editor {
        editor: String,
        #[source]
        source: io::Error,
    },
    /// The editor failed.
    #[error("the editor `{editor}` ended with {status}")]
    EditorFailed { editor: String, status: ExitStatus },
}

impl Diagnose for SecretsVerbError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRules { .. } => Kind::Input,
            Self::Editor { .. } | Self::EditorFailed { .. } => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRules { .. } => {
                format!("Name a public key with `--recipient`, or write a rule into `{RULES}` at the project's root.")
            }
            Self::Editor { .. } => "Set `EDITOR` to a program that waits until the file is closed.".into(),
            Self::EditorFailed { .. } => "The encrypted file is as it was.".into(),
        })
    }
}

pub(super) fn run(args: &SecretsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SecretsVerb::Keygen { output } => keygen(output.as_deref(), terminal)?,
        SecretsVerb::Encrypt { file, recipients, in_place } => {
            let subject = Subject::new(file);
            let text = files::read(&subject.path)?;
            let rule = if recipients.is_empty() { subject.rule()? } else { rule_of(recipients)? };
            let encrypted = secrets::encrypt(&text, &subject.name, &rule, &mut random, &now())?;
            if *in_place {
                files::replace(&subject.path, &encrypted)?;
                terminal.say(&format!("{}: encrypted for {}", subject.name, listed(rule.readers.recipients())));
            } else {
                terminal.print(&encrypted)?;
            }
        }
        SecretsVerb::Decrypt { file } => {
            let subject = Subject::new(file);
            let text = files::read(&subject.path)?;
            let plain = secrets::plain(&text, &subject.name, &subject.identities(file)?)?;
            terminal.print(plain.expose())?;
        }
        SecretsVerb::Edit { file } => edit(file, terminal)?,
    }
    Ok(Exit::Done)
}

fn keygen(output: Option<&Path>, terminal: &Terminal) -> Result<(), Failure> {
    let (text, recipient) = secrets::keygen(&now(), None);
    match output {
        None => terminal.print(text.expose())?,
        Some(path) => {
            files::create(path, text.expose(), true)?;
            terminal.print(&format!("{recipient}\n"))?;
        }
    }
    Ok(())
}

/// What an edit begins with.
enum Old {
    Encrypted(String),
    /// Nothing. Nobody should write a secret that then cannot be encrypted, so the rule is looked up before.
    New(Rule),
}

fn edit(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let identities = subject.identities(args)?;
    let there = subject.path.exists();
    let old = if there { Old::Encrypted(files::read(&subject.path)?) } else { Old::New(subject.rule()?) };
    let before = match &old {
        Old::Encrypted(text) => secrets::plain(text, &subject.name, &identities)?,
        Old::New(_) => Masked::new(String::new()),
    };
    let mut after = edited(&subject, &before)?;
    while after != before {
        match save(&subject, &old, &after, &identities) {
            Ok(()) => {
                terminal.say(&format!("{}: encrypted", subject.name));
                return Ok(());
            }
            // A slip in a long text must not cost the text.
            Err(failure) if again(&failure, terminal)? => after = edited(&subject, &after)?,
            Err(failure) => return Err(failure),
        }
    }
    terminal.say(&format!("{}: unchanged", subject.name));
    Ok(())
}

fn save(subject: &Subject, old: &Old, plain: &Masked<String>, identities: &Identities) -> Result<(), Failure> {
    let (name, plain) = (&subject.name, plain.expose());
    match old {
        Old::Encrypted(text) => {
            let text = secrets::edit(text, plain, name, identities, &mut random, &now())?;
            files::replace(&subject.path, &text)?;
        }
        Old::New(rule) => {
            files::create(&subject.path, &secrets::encrypt(plain, name, rule, &mut random, &now())?, false)?;
        }
    }
    Ok(())
}

/// Says what is wrong with the text, and asks whether to go on with it.
fn again(failure: &Failure, terminal: &Terminal) -> Result<bool, Failure> {
    if !terminal.can_ask() {
        return Ok(false);
    }
    failure.diagnostics.iter().for_each(|diagnostic| terminal.diagnose(diagnostic));
    Ok(terminal.ask("Open the editor again?")? == Some(true))
}

/// Opens the plain text in the editor, in a folder of its own that only its owner can enter; what it is then.
fn edited(subject: &Subject, before: &Masked<String>) -> Result<Masked<String>, Failure> {
    let folder =
        tempfile::tempdir().map_err(|source| files::FileError::Write { path: std::env::temp_dir(), source })?;
    let place = folder.path().join(subject.path.file_name().unwrap_or_default());
    files::create(&place, before.expose(), true)?;
    let opened = open_editor(&place);
    let after = opened.and_then(|()| Ok(Masked::new(files::read(&place)?)));
    // Whatever happened, the plain text does not stay on the disk.
    let wiped = files::wipe(&place);
    let after = after?;
    wiped?;
    Ok(after)
}

fn open_editor(place: &Path) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("vi"));
    let status = command.args(words).arg(place).status();
    let status = status.map_err(|source| SecretsVerbError::Editor { editor: editor.clone(), source })?;
    if status.success() { Ok(()) } else { Err(SecretsVerbError::EditorFailed { editor, status }.into()) }
}

/// The file of a verb, and the project around it, if there is one.
struct Subject {
    path: PathBuf,
    /// Relative to the project's root.
    name: Arc<String>,
    source: Option<Source>,
    environment: Option<String>,
}

impl Subject {
    fn new(args: &FileArgs) -> Self {
        let path = settings::absolute(&args.file);
        let source = path.parent().and_then(|folder| Source::open(folder, None).ok());
        let inside = source.as_ref().and_then(|it| path.strip_prefix(it.root()).ok());
        let name = inside.unwrap_or(&args.file).to_string_lossy().into_owned();
        let folder =
            name.strip_prefix("secrets/").and_then(|rest| rest.split_once('/')).map(|(first, _)| first.to_owned());
        let environment = args.environment.clone().or(folder);
        Self { path, name: Arc::new(name), source, environment }
    }

    /// What `.sops.yaml` says about the file.
    fn rule(&self) -> Result<Rule, Failure> {
        let none = || SecretsVerbError::NoRules { path: self.path.clone() };
        let source = self.source.as_ref().ok_or_else(none)?;
        let tree = source.read([RULES])?;
        if !tree.contains(RULES) {
            return Err(none().into());
        }
        let rules = secrets::rules(tree.text(RULES)?, &Arc::new(RULES.to_owned()))?;
        Ok(rules.rule_for(&self.name)?)
    }

    fn identities(&self, args: &FileArgs) -> Result<Identities, Failure> {
        let variables = settings::variables();
        let process = keys::Process::new(&|name| variables.get(name).cloned());
        let files: Vec<PathBuf> = args.identities.iter().map(|path| settings::absolute(path)).collect();
        let declared = self.declared_identity()?;
        let project = declared.as_ref().map(|(tree, path)| (tree, path.as_str()));
        Ok(keys::find(&keys::Sources { files: &files, project, process: &process })?)
    }

    /// The throwaway key that the file's environment names. A file in no environment has none.
    fn declared_identity(&self) -> Result<Option<(crate::tree::Tree, String)>, Failure> {
        let (Some(source), Some(name)) = (&self.source, &self.environment) else { return Ok(None) };
        let environments = source.read([ENVIRONMENTS])?;
        let path = match crate::project::load(&environments, name) {
            Ok(environment) => environment.identity,
            Err(ProjectError::NoEnvironment { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(path) = path else { return Ok(None) };
        Ok(Some((source.read([path.as_str()])?, path)))
    }
}

fn rule_of(recipients: &[String]) -> Result<Rule, Failure> {
    let origin = Origin::new(&Arc::new("--recipient".to_owned()), crate::value::Mark::default());
    let recipients = recipients.iter().map(|key| Recipient::parse(key, &origin));
    Ok(recipients.collect::<Result<Vec<_>, _>>()?.into())
}

fn listed<'r>(recipients: impl Iterator<Item = &'r Recipient>) -> String {
    recipients.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn random(bytes: &mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    getrandom::fill(bytes).map_err(Into::into)
}

/// The time, in seconds, as files say it.
fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}
