//! The command line: one verb, one file, with its arguments and one function.
//!
//! A verb resolves its arguments into settings, calls one function of `pipeline`, and prints a view of what came back.
//! Standard output gets only what can be piped; everything else goes to standard error.

mod acting;
mod apply;
mod arguments;
mod changed;
mod chart;
mod ci;
mod compare;
mod completions;
mod demo;
mod destroy;
mod diff;
mod drift;
mod engine;
mod exit;
mod explain;
mod files;
mod get;
mod hardening;
mod history;
mod import;
mod init;
mod kept;
mod kustomize;
mod many;
mod operator;
mod orphan;
mod plan;
mod planning;
mod progress;
mod render;
mod rights;
mod rollback;
mod sandbox;
mod saving;
mod secrets;
mod settings;
mod show;
mod sources;
mod status;
mod terminal;
mod test;
mod validate;
mod values;

use std::future::Future;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

pub use self::exit::Exit;
pub use self::files::FileError;
pub use self::hardening::harden;
use self::terminal::{ColorChoice, Terminal, TerminalError};
use crate::diagnostic::Failure;

/// Renders, compares, applies and watches the Kubernetes releases of a git repository.
#[derive(Debug, Parser)]
#[command(name = "weft", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// When to colour the output; `NO_COLOR` is honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::InitArgs),
    Render(render::RenderArgs),
    Validate(validate::ValidateArgs),
    Values(values::ValuesArgs),
    Diff(diff::DiffArgs),
    Compare(compare::CompareArgs),
    Plan(plan::PlanArgs),
    Show(show::ShowArgs),
    Apply(apply::ApplyArgs),
    Drift(drift::DriftArgs),
    Explain(explain::ExplainArgs),
    Status(status::StatusArgs),
    Get(get::GetArgs),
    Test(test::TestArgs),
    Destroy(destroy::DestroyArgs),
    History(history::HistoryArgs),
    Rollback(rollback::RollbackArgs),
    Orphan(orphan::OrphanArgs),
    Rights(rights::RightsArgs),
    Chart(chart::ChartArgs),
    Ci(ci::CiArgs),
    Kustomize(kustomize::KustomizeArgs),
    Import(import::ImportArgs),
    Secrets(secrets::SecretsArgs),
    Operator(operator::OperatorArgs),
    Sources(sources::SourcesArgs),
    Sandbox(sandbox::SandboxArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => {
            let terminal = Terminal::new(cli.color);
            if let Err(error) = harden() {
                terminal.warn(&format!(
                    "a crash may leave secrets in a core dump, which could not be switched off: {error}"
                ));
            }
            exit::finish(cli.verb.run(&terminal), &terminal)
        }
        Err(error) => exit::usage(&error),
    }
}

impl Verb {
    fn run(&self, terminal: &Terminal) -> Result<Exit, Failure> {
        match self {
            Self::Init(args) => init::run(args, terminal),
            Self::Render(args) => render::run(args, terminal),
            Self::Validate(args) => validate::run(args, terminal),
            Self::Values(args) => values::run(args, terminal),
            Self::Diff(args) => diff::run(args, terminal),
            Self::Compare(args) => compare::run(args, terminal),
            Self::Plan(args) => plan::run(args, terminal),
            Self::Show(args) => show::run(args, terminal),
            Self::Apply(args) => apply::run(args, terminal),
            Self::Drift(args) => drift::run(args, terminal),
            Self::Explain(args) => explain::run(args, terminal),
            Self::Status(args) => status::run(args, terminal),
            Self::Get(args) => get::run(args, terminal),
            Self::Test(args) => test::run(args, terminal),
            Self::Destroy(args) => destroy::run(args, terminal),
            Self::History(args) => history::run(args, terminal),
            Self::Rollback(args) => rollback::run(args, terminal),
            Self::Orphan(args) => orphan::run(args, terminal),
            Self::Rights(args) => rights::run(args, terminal),
            Self::Chart(args) => chart::run(args, terminal),
            Self::Ci(args) => ci::run(args, terminal),
            Self::Kustomize(args) => kustomize::run(args, terminal),
            Self::Import(args) => import::run(args, terminal),
            Self::Secrets(args) => secrets::run(args, terminal),
            Self::Operator(args) => operator::run(args, terminal),
            Self::Sources(args) => sources::run(args, terminal),
            Self::Sandbox(args) => sandbox::run(args, terminal),
            Self::Demo(args) => demo::run(args, terminal),
            Self::Completions(args) => completions::run(args, terminal),
        }
    }
}

/// Runs what has to wait for a server or a process. All of it runs on one runtime, to which connections are bound.
fn wait<T, E: Into<Failure>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = if let Some(runtime) = RUNTIME.get() {
        runtime
    } else {
        let new = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let new = new.map_err(TerminalError::Runtime)?;
        RUNTIME.get_or_init(|| new)
    };
    runtime.block_on(work).map_err(Into::into)
}
