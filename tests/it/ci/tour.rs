//! `docs/ci.md`: its tour is followed on a real repository with a bare remote.

use libtest_mimic::{Failed, Trial};

use crate::cases::code;
use crate::machine::Machine;
use crate::markdown::{self, Block, blocks};

/// The section whose blocks are run.
const STEPS: &str = "Try it";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("docs", "ci_steps", steps)]
}

fn steps() -> Result<(), Failed> {
    let page = blocks(&markdown::read("docs/ci.md"));
    let machine = Machine::with_sandboxes()?;
    machine.write(
        "../home/.gitconfig",
        b"[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n[gc]\nauto = 0\n",
    )?;
    machine.write("ci/hooks/post-receive", markdown::read("ci/hooks/post-receive").as_bytes())?;
    let clone = "git init --quiet . && git add --all && git commit --quiet --message first\n";
    let clone = Block { section: String::new(), info: "sh".into(), text: clone.into() };
    let steps: Vec<&Block> = page.iter().filter(|block| block.section == STEPS).collect();
    machine.run_blocks(&[&[&clone], &*steps].concat())?;
    machine.is_quiet()
}
