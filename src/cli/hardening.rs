//! What keeps secrets in the memory of the process: no core dump has them, and no word of a panic.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

/// Switches core dumps of this process off, and takes values out of what panics say.
///
/// On Linux the process is marked as not dumpable, too, since the limit alone does not hold for a handler of dumps such as
/// that of systemd. That also keeps other processes of the same user from reading its memory: a debugger has to start
/// the program itself, or to be root. Programs that we start can be debugged and dumped as before, but where they
/// inherit the limit they have to raise it.
pub fn harden() -> io::Result<()> {
    panic::set_hook(Box::new(report));
    no_core_dumps()
}

fn no_core_dumps() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Says where the program broke. A message that was made of values (a piece of a text, the `Debug` form of an error) may
/// hold a secret, and is left out; one that stands in the source is told. A backtrace has names of functions alone.
fn report(info: &PanicHookInfo<'_>) {
    let said = info.payload().downcast_ref::<&'static str>();
    let said = said.copied().unwrap_or("(its message may hold a secret, and is left out)");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    let mut err = io::stderr().lock();
    // Nothing can be done where that fails.
    let _ = writeln!(err, "error: this is a defect of weft at {place}: {said}");
    let _ = match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => writeln!(err, "{backtrace}"),
        _ => writeln!(err, "  = hint: Report it with what you ran. `RUST_BACKTRACE=1` shows how it came to it."),
    };
}
