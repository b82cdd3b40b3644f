//! Inputs that want to exhaust the reader: made here, since no file of them belongs into a repository.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use super::program::Desk;
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "alias_bomb", alias_bomb),
        code("cli", "deep_flow", deep_flow),
        code("cli", "deep_block", deep_block),
        code("cli", "deep_template", deep_template),
        code("cli", "deep_json", deep_json),
        code("cli", "huge_file", huge_file),
    ]
}

/// No reader of a bad input may take longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);
const DEPTH: usize = 100_000;

/// A project whose release gets these values.
fn desk(values: &str) -> Desk {
    let desk = Desk::new();
    desk.write("environments/dev/environment.yaml", "releases: [{name: web, namespace: web, chart: web}]\n");
    desk.write("environments/dev/values/web.yaml", values);
    desk.write("charts/web/Chart.yaml", "name: web\nversion: 0.1.0\n");
    desk.write("charts/web/templates/web.yaml.j2", "{{ values | toyaml }}\n");
    desk
}

fn refused(desk: &Desk, expected: &str) -> Result<(), Failed> {
    let began = Instant::now();
    let run = desk.run(["render", "dev"]);
    same("the error", expected, &run.ends_with(1)?.stderr)?;
    match began.elapsed() {
        took if took > PATIENCE => Err(format!("it took {took:?}").into()),
        _ => Ok(()),
    }
}

fn alias_bomb() -> Result<(), Failed> {
    let mut values = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(values, "a{level}: &a{level} [{below}]")?;
    }
    refused(&desk(&values), "")
}

fn deep_flow() -> Result<(), Failed> {
    refused(&desk(&format!("a: {}{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH))), "")
}

fn deep_block() -> Result<(), Failed> {
    refused(&desk(&format!("a:\n  {}x\n", "- ".repeat(DEPTH))), "")
}

fn deep_template() -> Result<(), Failed> {
    let desk = desk("a: 1\n");
    desk.write("charts/web/templates/web.yaml.j2", format!("{}x{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    refused(&desk, "")
}

fn deep_json() -> Result<(), Failed> {
    let desk = desk("a: 1\n");
    let deep = format!("a={}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let run = desk.run(["render", "dev", "--set-json", &deep[..=DEPTH]]);
    same("the error", "", &run.ends_with(1)?.stderr)
}

fn huge_file() -> Result<(), Failed> {
    refused(&desk(&"#".repeat((64 << 20) + 1)), "")
}
