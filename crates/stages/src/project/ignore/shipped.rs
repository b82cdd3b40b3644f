//! The ignore rules that hold without being written.

use weft_base::value::Pattern;
use weft_schema::rows;

const SHIPPED: &str = include_str!("shipped.tsv");

/// An ignore rule that holds unless an environment switches it off. All of them mean [`super::Meaning::Leave`].
#[derive(Clone, Debug)]
pub struct ShippedRule {
    /// Its name.
    pub name: &'static str,
    /// The kinds that it is about, as `Kind.group`; `*` for all.
    pub kinds: Vec<&'static str>,
    /// The field.
    pub path: Pattern,
    /// What has to hold besides.
    pub condition: Condition,
    /// Why.
    pub reason: &'static str,
}

/// What has to hold for a shipped rule to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The repository has nothing there, or what is no certificate.
    Placeholder,
    /// The object has an `aggregationRule`.
    Aggregated,
    /// An autoscaler of the environment targets the object.
    Scaled,
    /// An autoscaler that lives elsewhere has scaled the object, and owns the field.
    ScaledBy,
}

/// The shipped rules.
pub fn shipped() -> impl Iterator<Item = ShippedRule> {
    rows::<5>(SHIPPED).filter_map(|[name, kinds, path, condition, reason]| {
        let path = Pattern::parse(path).ok()?;
        Some(ShippedRule { name, kinds: kinds.split(' ').collect(), path, condition: named(condition)?, reason })
    })
}

fn named(condition: &str) -> Option<Condition> {
    Some(match condition {
        "placeholder" => Condition::Placeholder,
        "aggregated" => Condition::Aggregated,
        "scaled" => Condition::Scaled,
        "scaled-by" => Condition::ScaledBy,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let written = SHIPPED.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(shipped().count(), written);
        assert!(shipped().all(|rule| !rule.reason.is_empty()));
    }
}
