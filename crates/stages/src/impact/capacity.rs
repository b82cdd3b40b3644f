//! The capacity that pods and claims request: replicas times requests, and the storage of claims.

use super::StepChange;
use super::workloads::{nodes, replicas, template};
use crate::diff::thousandths;
use weft_base::value::{Data, Value};

/// The change of the requested capacity; negative if it shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Pods.
    pub pods: i64,
    /// Requested CPU, in thousandths of one.
    pub cpu: i64,
    /// Requested memory, in bytes.
    pub memory: i64,
    /// The most CPU that they may take, in thousandths of one; containers without a limit are not counted.
    pub cpu_limit: i64,
    /// The most memory that they may take, in bytes, likewise.
    pub memory_limit: i64,
    /// Storage of claims, in bytes.
    pub storage: i64,
}

/// One of the things that a container asks for.
type CapacityField = fn(&mut Capacity) -> &mut i64;

const FIELDS: [(&str, &str, CapacityField); 4] = [
    ("requests", "cpu", |it| &mut it.cpu),
    ("requests", "memory", |it| &mut it.memory),
    ("limits", "cpu", |it| &mut it.cpu_limit),
    ("limits", "memory", |it| &mut it.memory_limit),
];

impl Capacity {
    /// What the changes add. Runs of jobs by a schedule are not counted, nor daemon sets that have no pods yet: on how many
    /// nodes they will be is not known.
    pub(super) fn added(changes: &[StepChange]) -> Self {
        changes.iter().fold(Self::default(), |sum, change| {
            let [before, after] = [change.before, change.after].map(|it| it.map(|it| capacity_of(change, it)));
            sum.plus(after.unwrap_or_default(), 1).plus(before.unwrap_or_default(), -1)
        })
    }

    /// Whether nothing more or less is asked for.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The things with their names, in the order in which they are shown.
    pub fn counts(&self) -> [(&'static str, i64); 6] {
        [
            ("pods", self.pods),
            ("cpuMillis", self.cpu),
            ("memoryBytes", self.memory),
            ("cpuLimitMillis", self.cpu_limit),
            ("memoryLimitBytes", self.memory_limit),
            ("storageBytes", self.storage),
        ]
    }

    /// `+2 pods, +500m CPU and +1Gi memory requested, ...`, in words.
    pub fn words(&self) -> String {
        let some = [
            ("pods", self.pods, plain(self.pods)),
            ("CPU requested", self.cpu, millis(self.cpu)),
            ("memory requested", self.memory, bytes(self.memory)),
            ("CPU at most", self.cpu_limit, millis(self.cpu_limit)),
            ("memory at most", self.memory_limit, bytes(self.memory_limit)),
            ("storage", self.storage, bytes(self.storage)),
        ];
        let some = some.into_iter().filter(|(_, count, _)| *count != 0);
        let said = some.map(|(what, count, text)| format!("{}{text} {what}", if count > 0 { "+" } else { "" }));
        said.collect::<Vec<_>>().join(", ")
    }

    fn plus(self, other: Self, times: i64) -> Self {
        let add = |a: i64, b: i64| a.saturating_add(b.saturating_mul(times));
        Self {
            pods: add(self.pods, other.pods),
            cpu: add(self.cpu, other.cpu),
            memory: add(self.memory, other.memory),
            cpu_limit: add(self.cpu_limit, other.cpu_limit),
            memory_limit: add(self.memory_limit, other.memory_limit),
            storage: add(self.storage, other.storage),
        }
    }

    /// The more of each.
    fn or_more(mut self, mut other: Self) -> Self {
        for (_, _, field) in FIELDS {
            let more = *field(&mut other);
            let own = field(&mut self);
            *own = more.max(*own);
        }
        self
    }
}

/// What an object asks for.
fn capacity_of(change: &StepChange, object: &Value) -> Capacity {
    let kind = change.kind();
    if kind == "PersistentVolumeClaim" {
        return Capacity { storage: storage(object), ..Capacity::default() };
    }
    if kind == "CronJob.batch" {
        return Capacity::default();
    }
    let Some(path) = template(&kind) else { return Capacity::default() };
    let Some(spec) = object.dig(path).and_then(|it| it.get("spec")) else { return Capacity::default() };
    let pods = match kind.as_str() {
        "DaemonSet.apps" => nodes(change).unwrap_or(0),
        "Pod" => 1,
        _ => replicas(object),
    };
    let claims: i64 = list(object.get("spec"), "volumeClaimTemplates").map(storage).sum();
    let one = Capacity { pods: 1, storage: claims, ..pod(spec) };
    Capacity::default().plus(one, pods)
}

/// What a pod asks for: its containers together, or its largest initial container, whatever is more. One that restarts
/// always runs beside the others.
fn pod(spec: &Value) -> Capacity {
    let runs_on = |it: &&Value| it.get("restartPolicy").and_then(Value::as_str) == Some("Always");
    let begins = |it: &&Value| !runs_on(it);
    let spec = Some(spec);
    let sum = |sum: Capacity, it: Capacity| sum.plus(it, 1);
    let beside = list(spec, "initContainers").filter(runs_on);
    let together = list(spec, "containers").chain(beside).map(container).fold(Capacity::default(), sum);
    list(spec, "initContainers").filter(begins).map(container).fold(together, Capacity::or_more)
}

fn container(container: &Value) -> Capacity {
    let mut asks = Capacity::default();
    for (part, name, field) in FIELDS {
        let said = |part: &str| container.dig(&["resources", part, name]).and_then(quantity);
        // Without a request the limit is requested.
        let amount = said(part).or_else(|| said("limits")).unwrap_or(0);
        *field(&mut asks) = if name == "cpu" { amount } else { amount / 1000 };
    }
    asks
}

fn storage(claim: &Value) -> i64 {
    claim.dig(&["spec", "resources", "requests", "storage"]).and_then(quantity).unwrap_or(0) / 1000
}

/// A quantity in thousandths.
fn quantity(value: &Value) -> Option<i64> {
    match &value.data {
        Data::Text(text) => thousandths(text),
        Data::Int(whole) => whole.checked_mul(1000),
        Data::Float(number) => thousandths(&number.to_string()),
        _ => None,
    }
}

fn list<'v>(value: Option<&'v Value>, key: &str) -> impl Iterator<Item = &'v Value> {
    value.and_then(|it| it.get(key)).and_then(Value::as_list).unwrap_or_default().iter()
}

fn plain(count: i64) -> String {
    count.to_string()
}

/// `500m`, `2`.
fn millis(count: i64) -> String {
    if count % 1000 == 0 { (count / 1000).to_string() } else { format!("{count}m") }
}

/// `512Mi`, `1.5Gi`.
fn bytes(count: i64) -> String {
    let units = [("Ti", 1_i64 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    match units.into_iter().find(|(_, size)| count.abs() >= *size) {
        Some((unit, size)) => {
            let tenths =
                (i128::from(count) * 10 + i128::from(size / 2) * i128::from(count.signum())) / i128::from(size);
            let whole = tenths / 10;
            let tenth = (tenths % 10).abs();
            if tenth == 0 { format!("{whole}{unit}") } else { format!("{whole}.{tenth}{unit}") }
        }
        None => count.to_string(),
    }
}
