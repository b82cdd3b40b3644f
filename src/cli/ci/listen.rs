//! `weft ci listen`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cli::files::FileError;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::forge::{self, Forge, ForgeEvent, ListenError, Listener, Spool};
use crate::masked::Masked;

/// The variable with the secret that the webhook has too.
const SECRET: &str = "WEFT_WEBHOOK_SECRET";
/// How long a command that is asked to end has for that.
const GRACE: Duration = Duration::from_secs(10);

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
    /// Where accepted events wait for their turn, and are remembered for a day, so that none runs twice. Without it, a folder
    /// for the address below `$XDG_STATE_HOME` or `~/.local/state`.
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// How many seconds a command may take. Then it is ended, with all that it started.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
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
    let variables = settings::process();
    let secret = variables.get(SECRET).map(|it| forge::without_break(it).to_owned());
    let secret = secret.filter(|it| !it.is_empty());
    let secret = Masked::new(secret.ok_or(ListenError::NoSecret { variable: SECRET })?);
    let forge = match args.forge {
        Sender::Gitea => Forge::Gitea,
        Sender::Github => Forge::GitHub,
        Sender::Gitlab => Forge::GitLab,
    };
    let folder = args.spool.clone().unwrap_or_else(|| spool_folder(args.address, &variables));
    wait(serve(args, forge, secret, &folder, terminal))
}

/// The folder of a listener that none is named for.
fn spool_folder(address: SocketAddr, variables: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| variables.get(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let name = address.to_string().replace([':', '[', ']'], "_");
    state.unwrap_or_else(std::env::temp_dir).join("weft/events").join(name)
}

async fn serve(
    args: &ListenArgs,
    forge: Forge,
    secret: Masked<String>,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let failed = |source| ListenError::Spool { folder: folder.display().to_string(), source };
    let spool = Arc::new(Spool::open(folder).map_err(failed)?);
    let listener = Listener::bind(args.address, forge, secret, Arc::clone(&spool)).await?;
    terminal.say(&format!("listening on {}", listener.address()));
    // Events are received while a command runs, and wait for their turn.
    let run = async {
        for _ in 0..args.events.unwrap_or(usize::MAX) {
            let (path, event) = spool.next().await.map_err(failed)?;
            start(args, forge, &event, terminal).await?;
            std::fs::remove_file(path).map_err(failed)?;
        }
        Ok::<_, Failure>(Exit::Done)
    };
    tokio::select! {
        exit = run => exit,
        () = listener.serve() => Ok(Exit::Done),
    }
}

/// Runs the command for an event. How it ends is its own affair.
async fn start(args: &ListenArgs, forge: Forge, event: &ForgeEvent, terminal: &Terminal) -> Result<(), Failure> {
    let file = NamedTempFile::new().and_then(|mut it| {
        std::io::Write::write_all(&mut it, &event.text)?;
        Ok(it)
    });
    let file = file.map_err(|source| FileError::Write { path: std::env::temp_dir(), source })?;
    let Some((program, arguments)) = args.command.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove(SECRET).process_group(0);
    command.env("WEFT_FORGE", forge.key()).env("WEFT_EVENT_NAME", &event.name).env("GITHUB_EVENT_PATH", file.path());
    let (action, reference) = forge::happened(forge, &event.text);
    command.env("WEFT_EVENT_ACTION", action.unwrap_or_default());
    command.env("WEFT_EVENT_REF", reference.unwrap_or_default());
    let ended = match command.spawn() {
        Ok(child) => end_in_time(child, Duration::from_secs(args.timeout)).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(Some(status)) => terminal.say(&format!("{}: {status}", event.name)),
        Ok(None) => terminal.warn(&format!("{}: `{program}` was ended after {} s", event.name, args.timeout)),
        Err(error) => terminal.warn(&format!("{}: cannot run `{program}`: {error}", event.name)),
    }
    Ok(())
}

/// Waits for a process; `None` if it took too long. Then its whole group is asked to end, and after a while made to.
async fn end_in_time(mut child: Child, longest: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    if let Ok(status) = timeout(longest, child.wait()).await {
        return status.map(Some);
    }
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    // A group that is gone needs no signal.
    let send = |signal| {
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    };
    send(Signal::TERM);
    let _ = timeout(GRACE, child.wait()).await;
    send(Signal::KILL);
    child.wait().await?;
    Ok(None)
}
