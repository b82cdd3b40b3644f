//! Tests of `impact`: the effects of a plan as lines and as JSON.

use libtest_mimic::{Failed, Trial};
use weft::diff::thousandths;
use weft::impact::impact;
use weft::report;

use crate::cases::{self, Case};
use crate::plan::input::Input;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("impact", run);
    trials.push(cases::code("impact", "quantities", || {
        quantities();
        Ok(())
    }));
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    let impact = impact(&Input::of(case).plan());
    let mut lines: Vec<String> = impact.effects.iter().map(|it| format!("{}: {}\n", it.object, it.what)).collect();
    lines.push(format!("capacity: {}\n", impact.capacity.words()));
    case.expect("impact.txt", &lines.concat())?;
    case.expect("impact.json", &format!("{:#}\n", report::json_of_impact(&impact)))
}

fn quantities() {
    let known = [
        ("1", Some(1000)),
        ("100m", Some(100)),
        ("1.5", Some(1500)),
        ("1Ki", Some(1_024_000)),
        ("0.5Ki", Some(512_000)),
        ("1e3", Some(1_000_000)),
        ("1u", Some(1)),
        ("-2", Some(-2000)),
        ("9E", None),
        ("much", None),
        ("", None),
    ];
    for (text, amount) in known {
        assert_eq!(thousandths(text), amount, "{text}");
    }
}
