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
mod consent;
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

// Of 30 verbs one is run: the arguments of the others are never made. What help says of a verb is said here, and the
// arguments that verbs share say nothing for it.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Verb {
    /// Make a first project: one environment with one release of one chart.
    Init(init::InitArgs),
    /// Print the objects of an environment as YAML, secrets masked. Needs no cluster.
    Render(render::RenderArgs),
    /// Check environments without a cluster: files, values, schemas, templates, objects, policies, secrets outside Secrets,
    /// and values that nobody reads.
    Validate(validate::ValidateArgs),
    /// Print the merged values of a release, secrets masked. Needs no cluster.
    Values(values::ValuesArgs),
    /// Compare an environment with its cluster, field by field: what you changed, and what others did. Or two revisions of
    /// it, or two versions of Weft, with each other. It writes nothing.
    Diff(diff::DiffArgs),
    /// Compare what two environments render, object by object: what would make the first one the second. Needs no cluster.
    ///
    /// Objects are the same where they have one name in one release. That each environment has its releases in namespaces of
    /// its own is no difference.
    Compare(compare::CompareArgs),
    /// Show what an apply would do: every object, every field, what is pruned, and what is refused. It writes nothing to the
    /// cluster.
    Plan(plan::PlanArgs),
    /// Show a saved plan as `weft plan` printed it. It asks no cluster, and needs no project.
    Show(show::ShowArgs),
    /// Plan, show the plan, ask, and apply exactly what was shown; or apply a saved plan. Waits until everything is healthy.
    Apply(apply::ApplyArgs),
    /// Find what others changed in the cluster: fields that we own, with manager and time, and objects that are gone. Ends
    /// with exit code 2 where there is any, and with 5 where it could not be told.
    Drift(drift::DriftArgs),
    /// Tell the way of a field: the values with their files and lines, the line of the template that wrote it, the last apply,
    /// who owns it on the server, and whether it drifted. Without a field it tells of all fields of the object.
    Explain(explain::ExplainArgs),
    /// Tell for each release how its objects are: healthy, not yet, failed, gone, or not to be told.
    Status(status::StatusArgs),
    /// Print the live objects of an environment, as its inventories know them, secrets masked.
    Get(get::GetArgs),
    /// Run the tests that charts have for their releases (`helm.sh/hook: test`), which have to be applied.
    Test(test::TestArgs),
    /// Plan, show, ask, and delete the objects of an environment or of some of its releases.
    Destroy(destroy::DestroyArgs),
    /// Tell what was applied: each revision with its time, who applied it, commit and result.
    History(history::HistoryArgs),
    /// Plan, show, ask, and give a release the objects of an earlier revision.
    Rollback(rollback::RollbackArgs),
    /// Plan, show, ask, and stop managing the objects of an environment, of some of its releases, or single ones. They stay
    /// as they are, without the label and the field manager of this program.
    Orphan(orphan::OrphanArgs),
    /// Print the Roles that an environment needs, for the kinds and namespaces that it renders, and no more. Needs no
    /// cluster, unless kinds are used that are neither built in nor defined by a release.
    Rights(rights::RightsArgs),
    /// Work with a chart by itself, without an environment.
    Chart(chart::ChartArgs),
    /// The jobs of CI: plan a pull request, apply a merge, look for drift. Each finds out by itself where it runs, and tells
    /// the forge (GitHub, GitLab, Gitea, Forgejo) what it found.
    Ci(ci::CiArgs),
    /// Work with a kustomization by itself, without an environment.
    Kustomize(kustomize::KustomizeArgs),
    /// Make environments of what is there already, and say what could not be carried over.
    Import(import::ImportArgs),
    /// Encrypted files: make keys, encrypt, decrypt, change, and say who can read. The layout is that of SOPS with age recipients.
    Secrets(secrets::SecretsArgs),
    /// The ConfigMapSync operator: without a verb, it runs until a signal ends it.
    Operator(operator::OperatorArgs),
    /// Charts from elsewhere: which exactly, and where from.
    Sources(sources::SourcesArgs),
    /// A throwaway real control plane on this machine: etcd, kube-apiserver, kube-controller-manager.
    Sandbox(sandbox::SandboxArgs),
    /// Tell the whole story on a real control plane of its own, with the example repository: nothing of yours is touched.
    Demo(demo::DemoArgs),
    /// Print the completions of a shell.
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

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::*;

    #[test]
    fn help_says_the_same_of_a_verb_wherever_it_is_asked() {
        let told = |cli: &Command| {
            let about = |it: &Command| it.get_about().map(ToString::to_string);
            let verbs = cli.get_subcommands().filter(|it| it.get_name() != "help");
            verbs.map(|it| (it.get_name().to_owned(), about(it))).collect::<Vec<_>>()
        };
        let listed = Cli::command();
        let mut asked = Cli::command();
        asked.build();
        assert_eq!(told(&listed), told(&asked));
        assert!(told(&listed).iter().all(|(_, about)| about.is_some()));
    }
}
