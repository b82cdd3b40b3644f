//! Tests of the program as a whole, through its binary.

mod canary;
mod chart_rows;
mod charts;
mod documents;
mod drift;
mod editing;
mod explain;
mod figures;
mod falsehoods;
mod files;
mod forms;
mod guarding;
mod health;
mod history;
mod hooks;
mod ignore;
mod importing;
mod judging;
mod large;
mod lost;
mod leaving;
mod many;
mod overtaken;
mod ownership;
mod policing;
pub mod program;
pub mod proxy;
mod readers;
mod refusals;
mod rehearsal;
mod replacing;
mod rights;
mod saved;
mod secrecy;
mod secrets_git;
pub mod site;
mod story;
mod trusting;

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    [
        canary::trials(),
        chart_rows::trials(),
        charts::trials(),
        documents::trials(),
        drift::trials(),
        editing::trials(),
        explain::trials(),
        figures::trials(),
        falsehoods::trials(),
        files::trials(),
        forms::trials(),
        guarding::trials(),
        health::trials(),
        history::trials(),
        hooks::trials(),
        ignore::trials(),
        importing::trials(),
        judging::trials(),
        large::trials(),
        lost::trials(),
        leaving::trials(),
        many::trials(),
        overtaken::trials(),
        ownership::trials(),
        policing::trials(),
        readers::trials(),
        refusals::trials(),
        rehearsal::trials(),
        replacing::trials(),
        rights::trials(),
        saved::trials(),
        secrecy::trials(),
        secrets_git::trials(),
        story::trials(),
        trusting::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
