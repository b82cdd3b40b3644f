//! `weft rights`.

use clap::{Args, ValueEnum};

use super::arguments::{SetArgs, TargetArgs};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::cluster::{AccessLevel, RightsSubject, bindings, roles};
use crate::diagnostic::Failure;
use crate::pipeline;

#[derive(Debug, Args)]
pub(super) struct RightsArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    set: SetArgs,
    /// What they are for.
    #[arg(long = "for", value_name = "DEED", default_value = "read")]
    deed: DeedArg,
    /// Leave out the Secrets of the releases: what they are like is unknown then. Those of the state stay.
    #[arg(long)]
    without_secrets: bool,
    /// Ask the cluster which kinds it serves.
    #[arg(long)]
    discover: bool,
    /// Also bind them to somebody: `user:NAME`, `group:NAME` or `serviceaccount:NAMESPACE/NAME`.
    #[arg(long, value_name = "SUBJECT", value_parser = subject)]
    to: Option<RightsSubject>,
    /// The name of the Roles; `weft-read` or `weft-apply` without it.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DeedArg {
    /// For `diff`, `plan`, `drift`, `status`, `get` and `history`.
    Read,
    /// For `apply`, `rollback` and `destroy`, and for what reading takes.
    Apply,
}

pub(super) fn run(args: &RightsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.target, &args.set)?;
    let (deed, usual) = match args.deed {
        DeedArg::Read => (AccessLevel::Read, "weft-read"),
        DeedArg::Apply => (AccessLevel::Apply, "weft-apply"),
    };
    let rights = wait(pipeline::rights(&settings, deed, args.discover, !args.without_secrets))?;
    let name = args.name.as_deref().unwrap_or(usual);
    let bindings = args.to.as_ref().map(|to| format!("---\n{}", bindings(name, &rights, to)));
    terminal.print(&(roles(name, &rights) + &bindings.unwrap_or_default()))?;
    Ok(Exit::Done)
}

fn subject(text: &str) -> Result<RightsSubject, String> {
    let (kind, name) = text.split_once(':').unwrap_or_default();
    match (kind, name.split_once('/')) {
        ("user", _) if !name.is_empty() => Ok(RightsSubject::User(name.to_owned())),
        ("group", _) if !name.is_empty() => Ok(RightsSubject::Group(name.to_owned())),
        ("serviceaccount", Some((namespace, name))) => {
            Ok(RightsSubject::ServiceAccount(namespace.to_owned(), name.to_owned()))
        }
        _ => Err("it must be user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME".to_owned()),
    }
}
