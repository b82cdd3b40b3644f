//! `weft sandbox`.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt as _;

use clap::{Args, Subcommand};

use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::sandbox::{self, Options, Places};

#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    verb: SandboxVerb,
}

#[derive(Debug, Subcommand)]
enum SandboxVerb {
    /// Start a sandbox that runs until `weft sandbox down`, and print the path of its kubeconfig.
    Up {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        nodes: Nodes,
    },
    /// End a sandbox.
    Down {
        #[command(flatten)]
        name: Name,
    },
    /// Print a shell's line that makes a sandbox the current cluster: `eval "$(weft sandbox env)"`.
    Env {
        #[command(flatten)]
        name: Name,
    },
    /// Print a kubeconfig by which a program works as a service account of the sandbox.
    Kubeconfig {
        #[command(flatten)]
        name: Name,
        /// The service account.
        #[arg(value_name = "NAMESPACE/NAME", value_parser = account)]
        account: (String, String),
    },
    /// Start a sandbox, run a command in it (its `KUBECONFIG` is set), and end the sandbox.
    Run {
        #[command(flatten)]
        nodes: Nodes,
        /// The command with its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Name {
    /// The sandbox's name, for more than one at a time.
    #[arg(long, default_value = "default")]
    name: String,
}

#[derive(Debug, Args)]
struct Nodes {
    /// How many faked nodes it has. With at least one, pods are scheduled and become ready without running anything.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    nodes: usize,
}

pub(super) fn run(args: &SandboxArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let places = Places::new(settings::own().network()?)?;
    let options =
        |nodes: &Nodes| Options { places: places.clone(), nodes: nodes.nodes, controllers: true, users: Vec::new() };
    let progress = terminal.progress();
    let at = |what: &str| progress.at(what);
    match &args.verb {
        SandboxVerb::Up { name, nodes } => {
            let kubeconfig = wait(sandbox::up(&name.name, &options(nodes), &at))?;
            progress.done();
            terminal.print(&format!("{}\n", kubeconfig.display()))?;
        }
        SandboxVerb::Down { name } => wait(sandbox::down(&name.name, &places))?,
        SandboxVerb::Env { name } => {
            let kubeconfig = sandbox::env(&name.name, &places)?;
            terminal.print(&format!("export KUBECONFIG={}\n", quoted(kubeconfig.as_os_str())))?;
        }
        SandboxVerb::Kubeconfig { name, account: (namespace, account) } => {
            let administrator = sandbox::env(&name.name, &places)?;
            let kubeconfig = wait(sandbox::account(&administrator, namespace, account))?;
            terminal.print(&format!("{kubeconfig}\n"))?;
        }
        SandboxVerb::Run { nodes, command } => {
            // The parser asks for at least one word.
            let Some((program, arguments)) = command.split_first() else { return Ok(Exit::Done) };
            let status = wait(sandbox::run(program, arguments, &options(nodes), &at))?;
            let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            return Ok(Exit::Program(u8::try_from(code).unwrap_or(1)));
        }
    }
    Ok(Exit::Done)
}

fn account(text: &str) -> Result<(String, String), String> {
    let (namespace, name) = text.split_once('/').ok_or("it must be NAMESPACE/NAME")?;
    Ok((namespace.to_owned(), name.to_owned()))
}

/// A word of a shell.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}
