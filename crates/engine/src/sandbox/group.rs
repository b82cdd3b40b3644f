//! A group of processes that ends with its owner.
//!
//! A supervisor (`supervisor.sh`) leads the process group and reads a pipe that only the owner holds. However the owner
//! ends, the pipe is closed with it; then the supervisor kills the group and removes its folder.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use crate::sandbox::SandboxError;
use crate::sandbox::error::Tail;

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// Processes with a folder for their data and logs.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    folder: PathBuf,
    supervisor: Child,
    /// Closed to end the group.
    control: Option<ChildStdin>,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl ProcessGroup {
    /// An empty group in a folder that exists, and that is removed with the group.
    pub fn new(folder: &Path) -> Result<Self, SandboxError> {
        let lock = locked(folder)?;
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "weft-sandbox"])
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(lock)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(SandboxError::program("sh"))?;
        let control = supervisor.stdin.take();
        Ok(Self { folder: folder.to_owned(), supervisor, control, members: Vec::new() })
    }

    /// The folder of the group.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a process in the group, in the folder, with its output in the folder's file `<name>.log`.
    pub fn start(&mut self, name: &'static str, command: &mut Command) -> Result<(), SandboxError> {
        let log = self.folder.join(format!("{name}.log"));
        let output = File::create(&log).map_err(SandboxError::file(&log))?;
        let errors = output.try_clone().map_err(SandboxError::file(&log))?;
        let leader = i32::try_from(self.supervisor.id()).unwrap_or_default();
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(leader);
        let child = command.spawn().map_err(SandboxError::program(name))?;
        self.tell(&child.id().to_string())?;
        self.members.push(Member { name, child, log });
        Ok(())
    }

    /// Fails where one of the processes has ended.
    pub fn check(&mut self) -> Result<(), SandboxError> {
        for member in &mut self.members {
            if let Some(status) = member.child.try_wait().map_err(SandboxError::program(member.name))? {
                return Err(SandboxError::Ended { program: member.name, status, log: Tail::of(&member.log) });
            }
        }
        Ok(())
    }

    /// How the process of this name ended, where it has.
    pub fn ended(&mut self, name: &str) -> Result<Option<ExitStatus>, SandboxError> {
        let member = self.members.iter_mut().find(|member| member.name == name);
        member.map_or(Ok(None), |member| member.child.try_wait().map_err(SandboxError::program(member.name)))
    }

    /// The last lines that a process wrote.
    pub fn tail(&self, name: &str) -> Tail {
        Tail::of(&self.folder.join(format!("{name}.log")))
    }

    /// Ends the processes and begins again in the same folder, now empty.
    pub fn clear(&mut self) -> Result<(), SandboxError> {
        self.end()?;
        crate::sandbox::private_folder(&self.folder)?;
        *self = Self::new(&self.folder)?;
        Ok(())
    }

    /// Lets the group live on without its owner, until `end` is written to the named pipe `control` in the folder.
    pub fn detach(mut self) -> Result<(), SandboxError> {
        self.tell("detach")?;
        let pipe = self.folder.join("control");
        while !pipe.exists() {
            self.check()?;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // The supervisor no longer reads our pipe, so closing it ends nothing.
        self.control = None;
        self.members.clear();
        Ok(())
    }

    /// Kills all processes, removes the folder, and returns when both are gone.
    pub fn end(&mut self) -> Result<(), SandboxError> {
        if self.control.take().is_none() {
            return Ok(());
        }
        // The supervisor kills itself last. Were it gone already, the loop and the removal below would do its work.
        self.supervisor.wait().map_err(SandboxError::program("sh"))?;
        for mut member in self.members.drain(..) {
            member.child.kill().and_then(|()| member.child.wait()).map_err(SandboxError::program(member.name))?;
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SandboxError::file(&self.folder)(error)),
            _ => Ok(()),
        }
    }

    fn tell(&mut self, line: &str) -> Result<(), SandboxError> {
        let Some(control) = &mut self.control else { return Ok(()) };
        control.write_all(format!("{line}\n").as_bytes()).map_err(SandboxError::program("sh"))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // Nobody is left to tell; what could not be ended here the supervisor ends.
        let _ = self.end();
    }
}

/// The file `lock` of the folder, locked. It is open, and so locked, for as long as the supervisor lives.
fn locked(folder: &Path) -> Result<File, SandboxError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(SandboxError::file(&path))?;
    file.lock().map_err(SandboxError::file(&path))?;
    Ok(file)
}
