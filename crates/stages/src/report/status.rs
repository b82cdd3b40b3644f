//! The health of the objects of an environment, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::FORMAT_VERSION;
use super::json::{id, optional};
use crate::health::Health;
use crate::manifest::ObjectId;

/// How the objects of an environment are, by release.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentStatus {
    pub environment: String,
    /// The releases that were asked about, whether the cluster has anything of them or not.
    pub releases: BTreeMap<String, Vec<(ObjectId, Standing)>>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As its kind says it should be.
    Healthy,
    /// Not yet, with what is missing.
    Waiting(String),
    /// Failed, with the reason.
    Failed(String),
    /// Not there.
    Gone,
    /// Unknown, with the reason.
    Unknown(String),
}

const NAMES: [&str; 5] = ["healthy", "waiting", "failed", "gone", "unknown"];

impl From<Health> for Standing {
    fn from(health: Health) -> Self {
        match health {
            Health::Current => Self::Healthy,
            Health::InProgress(why) => Self::Waiting(why),
            Health::Terminating => Self::Waiting("is being deleted".to_owned()),
            Health::Failed(why) => Self::Failed(why),
        }
    }
}

impl Standing {
    fn at(&self) -> usize {
        match self {
            Self::Healthy => 0,
            Self::Waiting(_) => 1,
            Self::Failed(_) => 2,
            Self::Gone => 3,
            Self::Unknown(_) => 4,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Healthy => None,
            Self::Gone => Some("is gone"),
            Self::Waiting(why) | Self::Failed(why) | Self::Unknown(why) => Some(why),
        }
    }
}

impl EnvironmentStatus {
    /// How many objects there are, how many of them are known not to be healthy, and how many are unknown.
    pub fn counts(&self) -> (usize, usize, usize) {
        let [healthy, waiting, failed, gone, unknown] = counts(self.releases.values().flatten());
        let bad = waiting + failed + gone;
        (healthy + bad + unknown, bad, unknown)
    }

    /// A table of the releases, with a line for each object that is not healthy.
    pub fn text(&self) -> String {
        let widest = self.releases.keys().map(String::len).max().unwrap_or(0).max("RELEASE".len());
        let mut lines = vec![format!(
            "{:widest$}  {:>7}  {:>7}  {:>6}  {:>4}  {:>7}\n",
            "RELEASE", "HEALTHY", "WAITING", "FAILED", "GONE", "UNKNOWN"
        )];
        for (name, objects) in &self.releases {
            let [healthy, waiting, failed, gone, unknown] = counts(objects);
            lines.push(format!("{name:widest$}  {healthy:>7}  {waiting:>7}  {failed:>6}  {gone:>4}  {unknown:>7}\n"));
            let note = |(id, standing): &(ObjectId, Standing)| Some(format!("  {id}: {}\n", standing.reason()?));
            lines.extend(objects.iter().filter_map(note));
        }
        lines.concat()
    }

    /// All of it, as `docs/schema/status-v1.json` describes it.
    pub fn json(&self) -> Json {
        let release = |(name, objects): (&String, &Vec<(ObjectId, Standing)>)| {
            let counted: Map<String, Json> =
                NAMES.iter().zip(counts(objects)).map(|(name, count)| ((*name).to_owned(), count.into())).collect();
            json!({"name": name, "summary": counted, "objects": objects.iter().map(entry).collect::<Json>()})
        };
        json!({
            "formatVersion": FORMAT_VERSION,
            "environment": self.environment,
            "releases": self.releases.iter().map(release).collect::<Json>(),
            "warnings": self.warnings,
        })
    }
}

fn entry((object, standing): &(ObjectId, Standing)) -> Json {
    let mut map = Map::new();
    map.insert("object".into(), id(object).into());
    map.insert("health".into(), NAMES[standing.at()].into());
    optional(&mut map, "reason", standing.reason());
    map.into()
}

fn counts<'s>(objects: impl IntoIterator<Item = &'s (ObjectId, Standing)>) -> [usize; 5] {
    let mut counts = [0; 5];
    objects.into_iter().for_each(|(_, standing)| counts[standing.at()] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::GroupKind;

    #[test]
    fn text_and_json_tell_the_same() {
        let id = |name: &str| ObjectId {
            kind: GroupKind { group: "apps".to_owned(), kind: "Deployment".to_owned() },
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        };
        let objects = vec![
            (id("a"), Standing::from(Health::Current)),
            (id("b"), Standing::from(Health::InProgress("0 of 1 replicas are ready".to_owned()))),
            (id("c"), Standing::Gone),
        ];
        let releases = BTreeMap::from([("shop".to_owned(), objects), ("none".to_owned(), Vec::new())]);
        let status =
            EnvironmentStatus { environment: "dev".to_owned(), releases, warnings: vec!["Look out.".to_owned()] };
        assert_eq!(
            status.text(),
            "RELEASE  HEALTHY  WAITING  FAILED  GONE  UNKNOWN\n\
             none           0        0       0     0        0\n\
             shop           1        1       0     1        0\n  \
             Deployment.apps shop/b: 0 of 1 replicas are ready\n  \
             Deployment.apps shop/c: is gone\n"
        );
        assert_eq!(status.counts(), (3, 2, 0));
        let schema = serde_json::from_str(include_str!("../../../../docs/schema/status-v1.json")).unwrap();
        let document = status.json();
        jsonschema::validate(&schema, &document).unwrap();
        let found: Vec<&str> = document["releases"][1]["objects"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["health"].as_str())
            .collect();
        assert_eq!(found, ["healthy", "waiting", "gone"]);
    }
}
