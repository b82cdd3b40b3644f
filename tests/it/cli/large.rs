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

const ALIASES: &str = "error: the aliases make the document too large
 --> environments/dev/values/web.yaml:4:20
  |
2 | a1: &a1 [*a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0]
3 | a2: &a2 [*a1, *a1, *a1, *a1, *a1, *a1, *a1, *a1, *a1, *a1]
4 | a3: &a3 [*a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2]
  |                    ^^^
  = hint: Write the values out, or use fewer aliases of aliases.
";

const HUGE: &str =
    "error: `environments/dev/values/web.yaml` has 67108865 bytes; files of more than 64 MiB are not read
  = hint: Move `environments/dev/values/web.yaml` out of the project's folders.
";

/// The error about a line that nests too deeply: the line as it is shown, and what stands before the caret.
fn too_deep(place: &str, lines: &str, shown: &str, before: usize) -> String {
    format!(
        "error: lists and maps nest deeper than 128 levels\n --> environments/dev/values/web.yaml:{place}\n  |\n\
        {lines}{shown}…\n  | {:before$}^\n  = hint: Make the structure flatter.\n",
        ""
    )
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
    refused(&desk(&values), ALIASES)
}

fn deep_flow() -> Result<(), Failed> {
    refused(
        &desk(&format!("a: {}{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH))),
        &too_deep("1:131", "1 | a: ", &"[".repeat(157), 130),
    )
}

fn deep_block() -> Result<(), Failed> {
    refused(
        &desk(&format!("a:\n  {}x\n", "- ".repeat(DEPTH))),
        &too_deep("2:257", "1 | a:\n2 |   ", &"- ".repeat(79), 161),
    )
}

fn deep_template() -> Result<(), Failed> {
    let desk = desk("a: 1\n");
    desk.write("charts/web/templates/web.yaml.j2", format!("{}x{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    let line = "[".repeat(160);
    refused(
        &desk,
        &format!(
            "error: the template does not make YAML\n --> charts/web/templates/web.yaml.j2:1\n  |\n1 | {line}…\n  | \
            {:128}^\n  = cause: lists and maps nest deeper than 128 levels\n  = release: web\n  = hint: The excerpt is \
            what the template came to. The line of the template that made it: `{line}…`\n          \
            Make the structure flatter.\n",
            ""
        ),
    )
}

fn deep_json() -> Result<(), Failed> {
    let desk = desk("a: 1\n");
    let deep = format!("a={}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let run = desk.run(["render", "dev", "--set-json", &deep[..=DEPTH]]);
    let expected = "error: `--set-json` cannot be read: the value of `a` is not JSON (column 128)\n  = hint: Write JSON \
        behind the `=`, in quotes that keep the shell from it: `--set-json 'ports=[80, 443]'`.\n";
    same("the error", expected, &run.ends_with(1)?.stderr)
}

fn huge_file() -> Result<(), Failed> {
    refused(&desk(&"#".repeat((64 << 20) + 1)), HUGE)
}
