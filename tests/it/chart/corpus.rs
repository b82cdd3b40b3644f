//! The comparison with Helm.
//!
//! ```text
//! WEFT_HELM_CORPUS=<folder> cargo test --test it -- chart::corpus
//! ```
//!
//! The folder holds `cases.tsv` (a name, a chart's folder and files of values, between tabs and commas, relative to the
//! folder) and `expected/<name>.yaml`, what Helm 4.3 makes of each as release `rel` in the namespace `ns1`, with its
//! definitions and with fixed results of the functions that are random or ask for the time. A case without an expected
//! file is one that Helm refuses. Every difference is printed, then a table; any fails the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rayon::prelude::{IntoParallelRefIterator as _, ParallelIterator as _};
use weft::chart::{self, Capabilities, Chance, Chart, Named};
use weft::diagnostic::{Diagnostic, Failure};
use weft::values::{self, Layer};
use weft::yaml::{self, Rules};

use crate::cases::same;

/// The comparison, where a corpus is given. Without one there is no such test, rather than one that passes.
pub fn trial() -> Option<Trial> {
    let folder = PathBuf::from(std::env::var_os("WEFT_HELM_CORPUS")?);
    Some(Trial::test("chart::corpus", move || compare(&folder)))
}

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Identical,
    SameObjects,
    Different,
    BothRefuse,
    WronglyRefused,
    WronglyAccepted,
}

impl Verdict {
    const ALL: [(Self, &str); 6] = [
        (Self::Identical, "identical"),
        (Self::SameObjects, "the same objects in another text"),
        (Self::Different, "different"),
        (Self::BothRefuse, "refused by both"),
        (Self::WronglyRefused, "refused, but not by Helm"),
        (Self::WronglyAccepted, "accepted, but not by Helm"),
    ];
}

#[allow(clippy::print_stdout, reason = "the table is what the comparison is for")]
fn compare(folder: &Path) -> Result<(), Failed> {
    let cases = fs::read_to_string(folder.join("cases.tsv"))?;
    let cases: Vec<&str> = cases.lines().collect();
    let results: Vec<(Verdict, String, Duration)> = cases.par_iter().map(|line| case(folder, line)).collect();
    for (_, said, _) in results.iter().filter(|(_, said, _)| !said.is_empty()) {
        println!("{said}");
    }
    println!("\n| outcome | cases |\n| --- | --- |");
    for (verdict, name) in Verdict::ALL {
        println!("| {name} | {} |", results.iter().filter(|(it, ..)| *it == verdict).count());
    }
    let time: Duration = results.iter().map(|(.., time)| *time).sum();
    println!("| all, in {time:.1?} of processor time | {} |", results.len());
    let good = |it: &Verdict| matches!(it, Verdict::Identical | Verdict::BothRefuse);
    match results.iter().filter(|(it, ..)| !good(it)).count() {
        0 => Ok(()),
        wrong => Err(format!("{wrong} of {} cases are not as Helm has them", results.len()).into()),
    }
}

fn case(folder: &Path, line: &str) -> (Verdict, String, Duration) {
    let mut fields = line.split('\t');
    let mut next = || fields.next().unwrap_or_default();
    let (name, chart, files) = (next(), next(), next());
    let start = processor_time();
    let actual = rendered(folder, chart, files);
    let time = processor_time().saturating_sub(start);
    let expected = fs::read_to_string(folder.join(format!("expected/{name}.yaml"))).ok();
    let (verdict, said) = match (actual, expected) {
        (Ok(actual), Some(expected)) => verdict(&actual, &expected),
        (Ok(_), None) => (Verdict::WronglyAccepted, "accepted".to_owned()),
        (Err(_), None) => (Verdict::BothRefuse, String::new()),
        (Err(error), Some(_)) => {
            let said = error.diagnostics.iter().map(Diagnostic::to_string).collect::<String>();
            (Verdict::WronglyRefused, said)
        }
    };
    (verdict, if said.is_empty() { said } else { format!("=== {name}\n{said}") }, time)
}

/// What this thread had of a processor so far, as Linux counts it, whatever else the machine does.
fn processor_time() -> Duration {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(counted.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default())
}

fn verdict(actual: &str, expected: &str) -> (Verdict, String) {
    if actual == expected {
        return (Verdict::Identical, String::new());
    }
    let said = same("the output", expected, actual).err().map(|it| it.message().unwrap_or_default().to_owned());
    let objects = |text: &str| yaml::documents(text, &Arc::default(), Rules::Kubernetes);
    let is_same = objects(actual).is_ok_and(|it| objects(expected).is_ok_and(|other| it == other));
    (if is_same { Verdict::SameObjects } else { Verdict::Different }, said.unwrap_or_default())
}

fn rendered(folder: &Path, chart: &str, files: &str) -> Result<String, Failure> {
    let (tree, name) = weft::source::folder_of(&folder.join(chart))?;
    let chart = Chart::load(&tree, &name)?;
    let mut layers = Vec::new();
    for path in files.split(',').filter(|it| !it.is_empty()) {
        let text = fs::read_to_string(folder.join(path)).unwrap_or_default();
        layers.push(Layer::of_user(path, chart::values(&text, &Arc::new(path.to_owned()), Rules::Kubernetes)?));
    }
    let named = Named {
        name: "rel".to_owned(),
        namespace: "ns1".to_owned(),
        is_upgrade: false,
        include_crds: true,
        no_hooks: false,
        skip_tests: false,
        capabilities: Capabilities::default(),
        now: 1_704_164_645,
        chance: Chance::Fixed,
    };
    let bytes = chart::template(&chart, &values::merge(layers).by_user, &named)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
