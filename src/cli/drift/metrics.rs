//! Looks as metrics.

use jiff::Timestamp;

use crate::drift::{Category, DriftCheck, EnvironmentCheck, EnvironmentResult, Verdict};
use crate::telemetry::{Family, Kind, text};

/// The metrics of looks at environments, in Prometheus' text form. Of a look that failed only that is told: no number
/// stands for what nobody knows.
pub(super) fn metrics(told: &[EnvironmentCheck<'_>]) -> String {
    let family = |name, help| Family::new(name, Kind::Gauge, help);
    let of = |environment: &str| vec![("environment", environment.to_owned())];
    let begun = || told.iter().filter(|it| it.verdict() != Verdict::Skipped);
    let up = begun().fold(family("weft_drift_up", "Whether the last look saw everything: 1 or 0."), |it, told| {
        it.with(of(told.environment), f64::from(u8::from(told.verdict() <= Verdict::Drift)))
    });
    let at = begun().fold(
        family("weft_drift_last_look_timestamp_seconds", "When it was last looked, whatever came of it."),
        |it, told| it.with(of(told.environment), seconds(told.at)),
    );
    let looks =
        || told.iter().filter_map(|it| if let EnvironmentResult::Looked(look) = it.fate { Some(look) } else { None });
    let each = |family: Family, number: &dyn Fn(&DriftCheck) -> Option<f64>| {
        looks().fold(family, |it, look| match number(look) {
            Some(number) => it.with(of(&look.environment), number),
            None => it,
        })
    };
    let found = looks().fold(family("weft_drift_findings", "What others did, by sort."), |it, look| {
        Category::ALL.into_iter().fold(it, |it, sort| {
            let labels = [of(&look.environment), vec![("sort", sort.name().to_owned())]].concat();
            it.with(labels, count(look.count(sort)))
        })
    });
    let families = [
        up,
        at,
        found,
        each(family("weft_drift_new_findings", "Findings that the look before did not have."), &|look| {
            Some(count(look.new_ones().count()))
        }),
        each(family("weft_drift_unknown", "What could not be looked at."), &|look| Some(count(look.unseen.len()))),
        each(family("weft_drift_objects", "Objects that were compared."), &|look| Some(count(look.objects))),
        each(
            family("weft_drift_oldest_finding_timestamp_seconds", "When the oldest finding was first seen."),
            &|look| look.findings.iter().map(|(_, past)| past.first.as_str()).min().map(seconds),
        ),
    ];
    text(&families)
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted that often")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The seconds since 1970 of a time.
#[expect(clippy::cast_precision_loss, reason = "seconds of our time are exact")]
fn seconds(at: &str) -> f64 {
    at.parse::<Timestamp>().map(|it| it.as_second() as f64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Memory;

    #[test]
    fn a_failed_look_has_no_counts_and_a_clean_one_has_zeros() {
        let look = DriftCheck {
            environment: "dev".into(),
            cluster: "https://dev.example.com".into(),
            commit: None,
            at: "2026-01-02T03:04:05Z".into(),
            objects: 3,
            findings: Vec::new(),
            gone: Vec::new(),
            unseen: Vec::new(),
            memory: Memory::Kept,
            warnings: Vec::new(),
        };
        let told = [
            EnvironmentCheck { environment: "dev", at: &look.at, fate: EnvironmentResult::Looked(&look) },
            EnvironmentCheck { environment: "prod", at: "2026-01-02T03:04:06Z", fate: EnvironmentResult::Failed(&[]) },
            EnvironmentCheck { environment: "late", at: "2026-01-02T03:04:06Z", fate: EnvironmentResult::Skipped },
        ];
        let text = metrics(&told);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "weft_drift_up{environment=\"dev\"} 1",
            "weft_drift_up{environment=\"prod\"} 0",
            "weft_drift_last_look_timestamp_seconds{environment=\"dev\"} 1767323045",
            "weft_drift_last_look_timestamp_seconds{environment=\"prod\"} 1767323046",
            "weft_drift_findings{environment=\"dev\",sort=\"changed\"} 0",
            "weft_drift_findings{environment=\"dev\",sort=\"deleted\"} 0",
            "weft_drift_findings{environment=\"dev\",sort=\"unmanaged\"} 0",
            "weft_drift_new_findings{environment=\"dev\"} 0",
            "weft_drift_unknown{environment=\"dev\"} 0",
            "weft_drift_objects{environment=\"dev\"} 3",
        ];
        assert_eq!(samples, expected);
    }
}
