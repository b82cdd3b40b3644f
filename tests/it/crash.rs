//! What a crash tells: nothing of what was decrypted.
//!
//! The program has no way to break on purpose, so this binary runs itself, and breaks as the program would.

use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use weft::masked::Masked;

use crate::cases::code;

/// What the process is run for; anything else is the tests.
const PURPOSE: &str = "WEFT_TEST_CRASH";
const CANARY: &str = "cänary-of-a-crash-4711";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("crash", "a_panic_tells_no_value", a_panic_tells_no_value),
        code("crash", "there_is_no_core_dump", there_is_no_core_dump),
    ]
}

/// Breaks where this process was started for that.
pub fn on_purpose() {
    let Ok(purpose) = std::env::var(PURPOSE) else { return };
    weft::cli::harden().expect("a hardened process");
    let secret = Masked::new(CANARY.to_owned());
    match purpose.as_str() {
        "slice" => drop(secret.expose()[..2].to_owned()),
        "error" => drop(secret.expose().parse::<f64>().map_err(|_| secret.expose()).expect("a value")),
        "literal" => panic!("a message that stands in the source"),
        "thread" => drop(std::thread::spawn(move || drop(secret.expose()[..2].to_owned())).join()),
        "kill" => drop(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::ABORT)),
        _ => {}
    }
    std::process::exit(0);
}

fn broken(purpose: &str, backtrace: &str) -> Result<(Output, String), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.env(PURPOSE, purpose).env("RUST_BACKTRACE", backtrace).output()?;
    let text = String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned();
    Ok((output, text))
}

fn a_panic_tells_no_value() -> Result<(), Failed> {
    for (purpose, code) in [("slice", 101), ("error", 101), ("literal", 101), ("thread", 0)] {
        for backtrace in ["0", "full"] {
            let (output, text) = broken(purpose, backtrace)?;
            let told = text.contains("this is a defect of weft at") && text.contains("crash.rs");
            let leaks = ["cänary", "nary-of", "4711"].iter().any(|part| text.contains(part));
            if leaks || !told || output.status.code() != Some(code) {
                return Err(format!("{purpose}: {:?}\n{text}", output.status).into());
            }
            assert_eq!(text.contains("a message that stands in the source"), purpose == "literal", "{text}");
            assert_eq!(text.contains("on_purpose"), backtrace == "full", "{text}");
        }
    }
    Ok(())
}

fn there_is_no_core_dump() -> Result<(), Failed> {
    use std::os::unix::process::ExitStatusExt as _;
    let (output, text) = broken("kill", "0")?;
    assert!(output.status.signal().is_some() && !output.status.core_dumped(), "{:?} {text}", output.status);
    assert!(!Path::new("core").exists());
    Ok(())
}
