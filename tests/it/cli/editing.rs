//! Plain text in an editor: who can read it, and that it goes however the edit ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

use super::program::Desk;
use crate::cases::code;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "an_editor_gets_a_private_file_that_goes", an_editor_gets_a_private_file_that_goes),
        code("cli", "plain_text_goes_when_a_signal_ends_an_edit", plain_text_goes_when_a_signal_ends_an_edit),
        code("cli", "what_a_killed_edit_left_goes_at_the_next", what_a_killed_edit_left_goes_at_the_next),
    ]
}

/// The encrypted file of each test.
const FILE: &str = "secrets/web.yaml";

/// A project with an encrypted file, and a key of the user's.
fn desk() -> Result<Desk, Failed> {
    let desk = Desk::new();
    let key = desk.root().join("home/.config/weft/keys.txt");
    let made = desk.run(["secrets", "keygen", "--output", key.to_str().expect("UTF-8")]);
    made.ends_with(0)?;
    desk.write(".sops.yaml", format!("creation_rules:\n- age: {}\n", made.stdout.trim()));
    desk.write("environments/defaults.yaml", "");
    desk.write(FILE, "password: hunter2-4711\n");
    desk.run(["secrets", "encrypt", "--in-place", FILE]).ends_with(0)?;
    Ok(desk)
}

/// `weft secrets edit` with an editor that is a script. `note` is a file of the home folder, for what it finds.
fn edit(desk: &Desk, script: &str) -> Command {
    let (editor, note) = (desk.root().join("home/editor"), desk.root().join("home/note"));
    fs::write(&editor, format!("#!/bin/sh\n{}", script.replace("NOTE", note.to_str().expect("UTF-8"))))
        .expect("a file");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("a program");
    let mut command = desk.command(["secrets", "edit", FILE]);
    command.env("EDITOR", editor).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("XDG_RUNTIME_DIR", desk.root().join("home")).env("TMPDIR", desk.root().join("home"));
    command
}

fn an_editor_gets_a_private_file_that_goes() -> Result<(), Failed> {
    let desk = desk()?;
    let script = "stat -c '%a %n' \"${1%/*}\" \"$1\" > NOTE; cat \"$1\" >> NOTE; echo backup > \"$1~\"; \
                  sed -i s/hunter2/hunter3/ \"$1\"";
    desk.output(&mut edit(&desk, script)).ends_with(0)?.says("encrypted")?;
    let note = fs::read_to_string(desk.root().join("home/note"))?;
    let lines: Vec<&str> = note.lines().collect();
    let (folder, file) = (lines[0].strip_prefix("700 "), lines[1].strip_prefix("600 "));
    assert!(folder.is_some() && file.is_some() && lines[2] == "password: hunter2-4711", "{note}");
    assert!(!Path::new(folder.unwrap()).exists(), "{note}");
    if fs::read_to_string("/proc/mounts").is_ok_and(|it| it.contains(" /dev/shm tmpfs ")) {
        assert!(folder.unwrap().starts_with("/dev/shm/weft-edit-"), "{note}");
    }
    desk.run(["secrets", "decrypt", FILE]).ends_with(0)?.says("hunter3-4711").map(drop)
}

/// An edit that goes on until somebody ends it, and the file that the editor has.
fn begun(desk: &Desk) -> Result<(Child, PathBuf), Failed> {
    let mut command = edit(desk, "echo \"$1\" > NOTE.new; mv NOTE.new NOTE; exec sleep 60");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let note = desk.root().join("home/note");
    let began = Instant::now();
    while !note.exists() {
        if began.elapsed() > Duration::from_secs(30) {
            return Err("the editor never starts".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let place = PathBuf::from(fs::read_to_string(&note)?.trim());
    fs::remove_file(note)?;
    assert!(fs::read_to_string(&place)?.contains("hunter2-4711"));
    Ok((child, place))
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn plain_text_goes_when_a_signal_ends_an_edit() -> Result<(), Failed> {
    let desk = desk()?;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (child, place) = begun(&desk)?;
        kill_process(pid(&child), signal)?;
        let run = desk.read(&child.wait_with_output()?);
        run.ends_with(128 + signal.as_raw())?;
        assert!(
            !place.exists() && !place.parent().expect("a folder").exists(),
            "{signal:?} leaves {}",
            place.display()
        );
        desk.run(["secrets", "decrypt", FILE]).ends_with(0)?.says("hunter2-4711")?;
    }
    Ok(())
}

fn what_a_killed_edit_left_goes_at_the_next() -> Result<(), Failed> {
    let desk = desk()?;
    let (child, place) = begun(&desk)?;
    // While it lives, another one leaves it alone.
    desk.output(&mut edit(&desk, "true")).ends_with(0)?.says("unchanged")?;
    assert!(place.exists(), "the folder of an edit that goes on");
    let editor = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()))?;
    kill_process(pid(&child), Signal::KILL)?;
    if let Some(editor) = editor.trim().parse().ok().and_then(Pid::from_raw) {
        kill_process(editor, Signal::KILL)?;
    }
    drop(child.wait_with_output()?);
    desk.output(&mut edit(&desk, "true")).ends_with(0)?.says("unchanged")?;
    assert!(!place.parent().expect("a folder").exists(), "{} is left", place.display());
    Ok(())
}
