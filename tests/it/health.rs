//! Tests of `health`: `object.yaml` is an object as a server has it, `expected.txt` how it is.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::health;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::of("health", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let file = Arc::new("object.yaml".to_owned());
    let object = yaml::document(&case.read("object.yaml"), &file, Rules::Kubernetes)?;
    let trouble = health::trouble(&object).filter(|_| object.get("kind").and_then(|it| it.as_str()) == Some("Pod"));
    let log = trouble.and_then(|it| it.log).map_or_else(String::new, |(container, previous)| {
        format!("log of {container}{}\n", if previous { ", of the run before" } else { "" })
    });
    case.expect("expected.txt", &format!("{}\n{log}", health::of(&object)))
}
