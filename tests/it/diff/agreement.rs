//! What we say that an apply would do, held against what a server does, on generated objects.
//!
//! A case is an object on a server, with a history of applies of ours and of writes by others, and what the repository
//! wants of it now. Of each case it is asserted that
//! - the difference that we predict is the one that the server's forced dry run makes, field by field, on what we own or
//!   give up; where a server may fill in a default again we may leave the value to it, in few cases;
//! - what is proven unchanged, by record or by structure, is what an apply leaves with the same `resourceVersion`;
//! - what has just been applied compares as unchanged, with its record and without.
//!
//! `WEFT_AGREEMENT_CASES=10000 cargo test --test it -- agreement --nocapture` tries more cases, and
//! `WEFT_AGREEMENT_SEED` others. A disagreement names the seed of its object; with that seed and one case it comes
//! alone. `WEFT_AGREEMENT_KEEP` names a folder into which the first disagreements are written as cases of `diff`.

#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "what is told is told once, and bodies are made to be handed over"
)]

mod custom;
mod dice;
mod edits;
mod kinds;
mod pods;
mod policies;
mod scalars;
mod server;
mod story;
mod told;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use weft::cluster::{Cluster, Target};
use weft::project::ClusterRef;
use weft::sandbox;
use weft::schema::{Discovery, Schemas, builtin_schemas};

use self::dice::mix;
use self::server::Server;
use crate::cases;
use crate::sandbox::{client, options, tell};

/// Cases of a run, unless `WEFT_AGREEMENT_CASES` says otherwise.
const CASES: u64 = 400;
/// The seed of a run, unless `WEFT_AGREEMENT_SEED` says otherwise.
const SEED: u64 = 1;
/// Cases that an object goes through.
const ROUNDS: u64 = 4;
/// Objects that are worked on at once.
const AT_ONCE: usize = 12;
/// Servers write some objects again, with a new version, although nothing that they show differs, be it of fields or of
/// owners: they compare lists that are empty with lists that are not there (`reflect.DeepEqual` in the strategies of
/// policies and webhooks), and complete a claim with its second write. No proof can foresee that.
pub const SILENT: &str = "written by the server although nothing differs";
/// Sorts of refusals, and of fields that are left to the server, that are shown.
const MOST: usize = 8;
/// Disagreements that are shown in full.
const SHOWN: usize = 12;

pub fn trials() -> Vec<Trial> {
    vec![cases::code("diff", "agreement", agreement)]
}

/// What all objects share.
pub struct World {
    pub server: Server,
    pub cluster: Cluster,
    pub discovery: Discovery,
    pub schemas: Schemas,
}

/// What came of cases.
#[derive(Default)]
pub struct Tally {
    /// Numbers by what they count.
    pub counts: BTreeMap<&'static str, u64>,
    /// What the server says where it refuses an object, and how often.
    pub refusals: BTreeMap<String, u64>,
    /// The fields that are left to the server, and how often.
    pub left: BTreeMap<String, u64>,
    /// What does not agree, told in full.
    pub disagreements: Vec<Disagreement>,
}

/// A case in which we and the server do not agree.
pub struct Disagreement {
    pub seed: u64,
    pub round: u64,
    /// What is wrong, in a line or more.
    pub wrong: String,
    /// The files of a case of `diff`.
    pub files: Vec<(&'static str, String)>,
}

impl Tally {
    pub fn count(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    fn add(&mut self, other: Self) {
        other.counts.into_iter().for_each(|(what, times)| self.count(what, times));
        other.refusals.into_iter().for_each(|(said, times)| *self.refusals.entry(said).or_default() += times);
        other.left.into_iter().for_each(|(place, times)| *self.left.entry(place).or_default() += times);
        self.disagreements.extend(other.disagreements);
    }

    /// The cases of which a dry run told what an apply does.
    fn compared(&self) -> u64 {
        self.of("cases") - self.of("refused by the server")
    }

    fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("`{variable}` is no number: {text}")))
}

fn agreement() -> Result<(), Failed> {
    let (cases, seed) = (number("WEFT_AGREEMENT_CASES", CASES), number("WEFT_AGREEMENT_SEED", SEED));
    let runtime = Runtime::new()?;
    let mut options = options(0);
    options.controllers = false;
    let sandbox = runtime.block_on(sandbox::start(&options, &tell)).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let tally = runtime.block_on(async {
        let world = Arc::new(World::new(&sandbox).await?);
        Ok::<_, Failed>(all(&world, seed, cases).await)
    });
    runtime.block_on(sandbox.stop()).map_err(|error| error.to_string())?;
    judge(&tally?, seed, began)
}

/// Runs the stories of objects, a few at a time, until so many cases were compared.
async fn all(world: &Arc<World>, seed: u64, cases: u64) -> Tally {
    let mut tally = Tally::default();
    let mut running: JoinSet<Tally> = JoinSet::new();
    // The first object has the seed of the run, so that it can be told again alone.
    let mut seeds = std::iter::once(seed).chain((1..).map(|at| mix(seed, at)));
    loop {
        while running.len() < AT_ONCE && tally.compared() + running.len() as u64 * ROUNDS < cases {
            let (world, seed) = (Arc::clone(world), seeds.next().expect("there is no end of them"));
            running.spawn(async move { story::tell(&world, seed, ROUNDS).await });
        }
        let Some(done) = running.join_next().await else { return tally };
        tally.add(done.expect("a story panics"));
    }
}

impl World {
    async fn new(sandbox: &sandbox::Sandbox) -> Result<Self, Failed> {
        let server = Server::new(client(sandbox.kubeconfig(), None).await);
        for namespace in [story::NAMESPACE, story::LIMITS] {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            server.send(Method::POST, "/api/v1/namespaces", "application/json", &body).await?;
        }
        let mut schemas = builtin_schemas().clone();
        for definition in custom::definitions() {
            define(&server, &definition).await?;
            schemas.add_crd(&serde_json::from_value(definition)?);
        }
        let reference =
            ClusterRef { kubeconfig: Some(sandbox.kubeconfig().display().to_string()), ..ClusterRef::default() };
        let target =
            Target::new(&reference, std::path::Path::new("/"), crate::cases::own([]).cluster().expect("clusters"))
                .of_user();
        let cluster = Cluster::connect(&target).await.map_err(|error| error.to_string())?;
        let discovery = cluster.discover().await.map_err(|error| error.to_string())?;
        Ok(Self { server, cluster, discovery, schemas })
    }
}

/// Defines a kind, and waits until it is served.
async fn define(server: &Server, definition: &Json) -> Result<(), Failed> {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    server.send(Method::POST, path, "application/json", definition).await?;
    let (group, plural) = (&definition["spec"]["group"], &definition["spec"]["names"]["plural"]);
    let list = format!("/apis/{}/v1/{}", group.as_str().unwrap(), plural.as_str().unwrap());
    let began = Instant::now();
    while let Err(error) = server.get(&list).await {
        if began.elapsed().as_secs() > 20 {
            return Err(format!("{list} is not served: {error}").into());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Tells what came out, and fails where anything disagrees or too little was tried.
fn judge(tally: &Tally, seed: u64, began: Instant) -> Result<(), Failed> {
    let share = |part: u64, whole: u64| format!("{part} of {whole}, {:.2} %", 100.0 * ratio(part, whole));
    let compared = tally.compared();
    let mut out =
        format!("agreement: seed {seed}, {compared} cases compared, {:.0} s\n", began.elapsed().as_secs_f64());
    for (what, times) in &tally.counts {
        out += &format!("  {what}: {times}\n");
    }
    out += &format!("  left to the server: {}\n", share(tally.of("paths left to the server"), tally.of("paths")));
    for (what, of) in [("left", &tally.left), ("refused", &tally.refusals)] {
        let mut most: Vec<_> = of.iter().collect();
        most.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        most.iter().take(MOST).for_each(|(said, times)| out += &format!("  {what} {times} times: {said}\n"));
    }
    let _ = std::io::stderr().write_all(out.as_bytes());
    keep(tally)?;
    if !tally.disagreements.is_empty() {
        return Err(format!("{} of {compared} cases disagree\n{}", tally.disagreements.len(), told(tally)).into());
    }
    let limits = [
        ("refused by the server", tally.of("refused by the server"), tally.of("cases"), 0.05),
        (SILENT, tally.of(SILENT), tally.of("cases"), 0.01),
        ("left to the server", tally.of("paths left to the server"), tally.of("paths"), 0.02),
    ];
    // Of a few cases, shares say nothing.
    match limits.iter().find(|(_, part, whole, most)| *whole > 1000 && ratio(*part, *whole) > *most) {
        Some((what, part, whole, _)) => Err(format!("{what}: {}", share(*part, *whole)).into()),
        None => Ok(()),
    }
}

/// The first disagreement of each sort, and how many there are of it, the most frequent first.
fn told(tally: &Tally) -> String {
    let mut sorts: BTreeMap<&str, Vec<&Disagreement>> = BTreeMap::new();
    for it in &tally.disagreements {
        sorts.entry(it.wrong.lines().next().unwrap_or_default()).or_default().push(it);
    }
    let mut sorts: Vec<_> = sorts.into_iter().collect();
    sorts.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    let all: String = sorts.iter().map(|(sort, all)| format!("{} times {sort}\n", all.len())).collect();
    let shown = sorts.iter().take(SHOWN).map(|(_, all)| &all[0]);
    all + &shown.map(|it| format!("seed {}, round {}: {}\n", it.seed, it.round, it.wrong)).collect::<String>()
}

#[allow(clippy::cast_precision_loss, reason = "a share of a few thousand")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn keep(tally: &Tally) -> Result<(), Failed> {
    let Some(folder) = std::env::var_os("WEFT_AGREEMENT_KEEP").map(PathBuf::from) else { return Ok(()) };
    for (at, it) in tally.disagreements.iter().take(4000).enumerate() {
        let folder = folder.join(format!("{}-{}-{at}", it.seed, it.round));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("wrong.txt"), &it.wrong)?;
        for (name, text) in &it.files {
            std::fs::write(folder.join(name), text)?;
        }
    }
    Ok(())
}
