//! The integration tests: one binary, in which every folder under `tests/cases` is a test of its own.
//!
//! `WEFT_UPDATE=1` rewrites the expected files from what came out; read the difference before committing it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod age;
mod cases;
mod chart;
mod ci;
mod cli;
mod cluster;
mod crash;
mod diff;
mod docs;
mod faults;
mod forge;
mod functions;
mod git;
mod gotemplate;
mod health;
mod ignore;
mod impact;
mod keys;
mod kustomize;
mod layering;
mod machine;
mod manifest;
mod markdown;
mod merge;
mod operator;
mod plan;
mod planted;
mod policy;
mod project;
mod readme;
mod report;
mod rows;
mod sandbox;
mod secrets;
mod secrets_merge;
mod source;
mod telemetry;
mod validate;
mod values;
mod yaml;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    crash::on_purpose();
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        age::trials(),
        chart::trials(),
        ci::trials(),
        cli::trials(),
        cluster::trials(),
        crash::trials(),
        diff::trials(),
        docs::trials(),
        faults::trials(),
        forge::trials(),
        functions::trials(),
        git::trials(),
        gotemplate::trials(),
        health::trials(),
        ignore::trials(),
        impact::trials(),
        keys::trials(),
        kustomize::trials(),
        layering::trials(),
        manifest::trials(),
        merge::trials(),
        operator::trials(),
        plan::trials(),
        planted::trials(),
        policy::trials(),
        project::trials(),
        readme::trials(),
        report::trials(),
        rows::trials(),
        sandbox::trials(),
        secrets::trials(),
        secrets_merge::trials(),
        source::trials(),
        telemetry::trials(),
        validate::trials(),
        values::trials(),
        yaml::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    sandbox::stop();
    conclusion.exit_code()
}
