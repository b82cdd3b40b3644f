//! What the benchmarks share: arguments, projects of any size, whole processes measured, a control plane, verdicts.

#![allow(dead_code, reason = "each benchmark uses its part")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

pub mod alone;
pub mod cluster;
pub mod helmfile;
pub mod judged;
pub mod lists;
pub mod load;
pub mod peer;
pub mod process;
pub mod project;
pub mod relay;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// The program's.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

/// What a benchmark may fail with; it is only printed.
pub type Failure = Box<dyn Error>;

/// The arguments of a benchmark: `cargo bench --bench NAME -- --peers FOLDER`.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The folder with the programs to compare with; `benches/peers.sh FOLDER` builds them.
    #[arg(long, value_name = "FOLDER")]
    peers: Option<PathBuf>,
    /// How often each program is run.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Try it with fewer objects.
    #[arg(long)]
    pub quick: bool,
    /// How many objects a peer gets that takes minutes for all; its time is then scaled.
    #[arg(long, value_name = "COUNT")]
    pub peer_objects: Option<usize>,
    /// The folder of a corpus of public charts: `cases.tsv`, and what it names.
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// The folder of the corpus.
    pub fn corpus(&self) -> Result<PathBuf, Failure> {
        let folder = self.corpus.as_ref().ok_or("a corpus of charts is needed: give `-- --corpus FOLDER`")?;
        Ok(std::path::absolute(folder)?)
    }

    /// The path of a peer.
    pub fn peer(&self, name: &str) -> Result<PathBuf, Failure> {
        let get = "build the peers with `benches/peers.sh FOLDER` and give `-- --peers FOLDER`";
        let folder = self.peers.as_ref().ok_or_else(|| format!("`{name}` is needed to compare with: {get}"))?;
        let program = std::path::absolute(folder.join(name))?;
        if program.is_file() { Ok(program) } else { Err(format!("there is no `{}`: {get}", program.display()).into()) }
    }
}

/// The targets of a benchmark, and whether they were met.
#[derive(Default)]
pub struct Targets {
    missed: usize,
}

impl Targets {
    /// Prints what was measured beside its target.
    pub fn hold(&mut self, met: bool, measured: &str, target: &str) {
        self.missed += usize::from(!met);
        println!("  {} {measured}; the target: {target}", if met { "met   " } else { "MISSED" });
    }
}

/// Runs a benchmark. It fails where it could not be run, and where a target was missed.
pub fn main(run: fn(&Arguments, &mut Targets) -> Result<(), Failure>) -> ExitCode {
    let mut targets = Targets::default();
    match run(&Arguments::parse(), &mut targets) {
        Ok(()) if targets.missed == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many cores this machine gives.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
