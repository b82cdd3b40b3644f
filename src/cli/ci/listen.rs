//! `weft ci listen`.

use std::net::SocketAddr;
use std::process::Stdio;

use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::cli::files::FileError;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::forge::{self, Event, Forge, ListenError, Listener};
use crate::masked::Masked;

/// The variable with the secret that the webhook has too.
const SECRET: &str = "WEFT_WEBHOOK_SECRET";

/// Receive the webhooks of a forge, and run a command for each, one after the other. For a forge whose own CI does not run
/// the jobs. The secret of the webhook is in `WEFT_WEBHOOK_SECRET`; a request without its proof is refused.
#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// Which forge sends them.
    #[arg(long, value_name = "FORGE")]
    forge: Sender,
    /// The address to listen on. With TLS, a proxy stands before it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9810")]
    address: SocketAddr,
    /// End after this many events.
    #[arg(long, value_name = "COUNT")]
    events: Option<usize>,
    /// What is run, such as `ci/on-event.sh`. `WEFT_FORGE`, `WEFT_EVENT_NAME`, `WEFT_EVENT_ACTION` (of a pull request),
    /// `WEFT_EVENT_REF` (of a push) and `GITHUB_EVENT_PATH`, the file of the event, are in its environment; the secret is
    /// not.
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<String>,
}

/// A forge that sends webhooks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sender {
    /// Gitea or Forgejo.
    Gitea,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

pub(super) fn run(args: &ListenArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let secret = settings::process().get(SECRET).map(|it| forge::without_break(it).to_owned());
    let secret = secret.filter(|it| !it.is_empty());
    let secret = Masked::new(secret.ok_or(ListenError::NoSecret { variable: SECRET })?);
    let forge = match args.forge {
        Sender::Gitea => Forge::Gitea,
        Sender::Github => Forge::GitHub,
        Sender::Gitlab => Forge::GitLab,
    };
    wait(serve(args, forge, secret, terminal))
}

async fn serve(args: &ListenArgs, forge: Forge, secret: Masked<String>, terminal: &Terminal) -> Result<Exit, Failure> {
    let listener = Listener::bind(args.address, forge, secret).await?;
    terminal.say(&format!("listening on {}", listener.address()));
    let (sender, mut events) = tokio::sync::mpsc::channel(64);
    let received = async {
        for _ in 0..args.events.unwrap_or(usize::MAX) {
            if sender.send(listener.next().await).await.is_err() {
                break;
            }
        }
        drop(sender);
    };
    // Events are received while a command runs, and wait for their turn.
    let run = async {
        while let Some(event) = events.recv().await {
            start(args, forge, &event, terminal).await?;
        }
        Ok::<_, Failure>(Exit::Done)
    };
    let ((), exit) = futures::join!(received, run);
    exit
}

/// Runs the command for an event. How it ends is its own affair.
async fn start(args: &ListenArgs, forge: Forge, event: &Event, terminal: &Terminal) -> Result<(), Failure> {
    let file = NamedTempFile::new().and_then(|mut it| {
        std::io::Write::write_all(&mut it, &event.text)?;
        Ok(it)
    });
    let file = file.map_err(|source| FileError::Write { path: std::env::temp_dir(), source })?;
    let Some((program, arguments)) = args.command.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove(SECRET);
    command.env("WEFT_FORGE", forge.key()).env("WEFT_EVENT_NAME", &event.name).env("GITHUB_EVENT_PATH", file.path());
    let (action, reference) = forge::happened(forge, &event.text);
    command.env("WEFT_EVENT_ACTION", action.unwrap_or_default());
    command.env("WEFT_EVENT_REF", reference.unwrap_or_default());
    match command.status().await {
        Ok(status) => terminal.say(&format!("{}: {status}", event.name)),
        Err(error) => terminal.warn(&format!("{}: cannot run `{program}`: {error}", event.name)),
    }
    Ok(())
}
