//! Functions that reach back into the engine and out of it: `include`, `tpl`, `lookup`.

use super::arguments::{any, text};
use super::convert::{Numbers, from_document};
use super::host::{self, LookupRequest};
use crate::{Fault, Function, Map, Run, Type, Value};

const S: Type = Type::Str;

/// What Go prints for a value that is not there, which Helm takes out of what templates give.
const NO_VALUE: &[u8] = b"<no value>";

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("include", &[S, Type::Any], |run, args| Ok(run.include(text(args, 0)?, any(args, 1)?)?.into())),
    Function::new("tpl", &[S, Type::Any], |run, args| {
        let out = run.tpl(text(args, 0)?, any(args, 1)?)?;
        let clean = super::strings::find(&out, NO_VALUE).is_none();
        Ok(if clean { out.into() } else { super::strings::replace(&out, NO_VALUE, b"").into() })
    }),
    Function::new("lookup", &[S, S, S, S], lookup),
    Function::new("getHostByName", &[S], |_, _| Ok("".into())),
];

/// Live objects: one by its name, or all as a list. An empty map where there is none, or none may be seen.
fn lookup(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let word = |at| text(args, at).map(|it| it.lossy().into_owned());
    let asked = LookupRequest { api_version: word(0)?, kind: word(1)?, namespace: word(2)?, name: word(3)? };
    let found = host::of(run)?.look_up(asked)?;
    Ok(found.map_or_else(|| Map::new().into(), |it| from_document(&it, Numbers::Integers)))
}
