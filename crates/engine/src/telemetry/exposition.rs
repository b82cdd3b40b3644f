//! Metrics as text: version 0.0.4 of Prometheus' exposition format.

use std::fmt::Write as _;

/// What the numbers of a family mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// Classes with their sum and their count.
    Histogram,
}

/// Metrics of one name.
#[derive(Clone, Debug)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

/// One line: what follows the family's name, its labels, and its number.
#[derive(Clone, Debug)]
struct Sample {
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Family {
    /// A family without samples. `help` is one sentence.
    pub fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, kind, samples: Vec::new() }
    }

    /// The same with one number and no label.
    #[must_use]
    pub fn value(self, value: f64) -> Self {
        self.sample("", Vec::new(), value)
    }

    /// The same with a number for each value of one label.
    #[must_use]
    pub fn by(self, label: &'static str, values: impl IntoIterator<Item = (String, f64)>) -> Self {
        let add = |family: Self, (name, value)| family.sample("", vec![(label, name)], value);
        values.into_iter().fold(self, add)
    }

    /// The same with a number for these labels.
    #[must_use]
    pub fn with(self, labels: Vec<(&'static str, String)>, value: f64) -> Self {
        self.sample("", labels, value)
    }

    /// The same with a distribution: upper bounds, each with the count of all that are not above it, then the sum and
    /// the count of all.
    #[must_use]
    pub fn classes(self, classes: impl IntoIterator<Item = (f64, u64)>, sum: f64, count: u64) -> Self {
        let add = |family: Self, (bound, below): (f64, u64)| family.bucket(bound.to_string(), below);
        let family = classes.into_iter().fold(self, add).bucket("+Inf".to_owned(), count);
        family.sample("_sum", Vec::new(), sum).sample("_count", Vec::new(), exact(count))
    }

    fn bucket(self, bound: String, below: u64) -> Self {
        self.sample("_bucket", vec![("le", bound)], exact(below))
    }

    fn sample(mut self, suffix: &'static str, labels: Vec<(&'static str, String)>, value: f64) -> Self {
        self.samples.push(Sample { suffix, labels, value });
        self
    }
}

/// Counts of up to 2^53 are exact.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted that often")]
fn exact(count: u64) -> f64 {
    count as f64
}

/// All families as one text.
pub fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {0} {kind}", family.name, escaped(family.help, false));
        for sample in &family.samples {
            let labels: Vec<String> =
                sample.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{}{}{labels} {}", family.name, sample.suffix, sample.value);
        }
    }
    text
}

fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_prometheus_reads_them() {
        let families = [
            Family::new("a_total", Kind::Counter, "As a \\ b.")
                .by("result", [("ok".to_owned(), 2.0), ("a\"b\\c\n".to_owned(), 0.0)]),
            Family::new("b_bytes", Kind::Gauge, "B.").value(1.5e9),
            Family::new("c_seconds", Kind::Histogram, "C.").classes([(0.005, 1), (2.5, 3)], 4.25, 4),
        ];
        let expected = "# HELP a_total As a \\\\ b.\n# TYPE a_total counter\na_total{result=\"ok\"} 2\n\
            a_total{result=\"a\\\"b\\\\c\\n\"} 0\n\
            # HELP b_bytes B.\n# TYPE b_bytes gauge\nb_bytes 1500000000\n\
            # HELP c_seconds C.\n# TYPE c_seconds histogram\nc_seconds_bucket{le=\"0.005\"} 1\n\
            c_seconds_bucket{le=\"2.5\"} 3\nc_seconds_bucket{le=\"+Inf\"} 4\nc_seconds_sum 4.25\nc_seconds_count 4\n";
        assert_eq!(text(&families), expected);
    }
}
