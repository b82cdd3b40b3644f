//! Texts that have to be random: sprig's `randAlphaNum` and its kin, and `uuidv4`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;

use super::arguments::{int, spend, text};
use super::chance::{Source, made, source};
use super::runes::runes;
use crate::{Fault, Function, Run, Type, Value};

const I: Type = Type::Int;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", &[I], |run, args| letters(run, args, &ALPHA_NUM)),
    Function::new("randAlpha", &[I], |run, args| letters(run, args, &ALPHA)),
    Function::new("randNumeric", &[I], |run, args| letters(run, args, &NUMERIC)),
    Function::new("randAscii", &[I], |run, args| letters(run, args, &ASCII)),
    Function::new("randBytes", &[I], bytes),
    Function::new("randInt", &[I, I], number),
    Function::new("uuidv4", &[], uuid),
    Function::new("shuffle", &[Type::Str], shuffle),
];

/// A set of characters, and what comparisons with Helm have instead.
struct Letters {
    function: &'static str,
    has: fn(&u8) -> bool,
    fixed: &'static str,
    placeholder: &'static str,
}

static ALPHA_NUM: Letters = Letters {
    function: "randAlphaNum",
    has: u8::is_ascii_alphanumeric,
    fixed: "aB3dE6gH9j",
    placeholder: "placeholder",
};
static ALPHA: Letters =
    Letters { function: "randAlpha", has: u8::is_ascii_alphabetic, fixed: "aBcDeFgHiJ", placeholder: "placeholder" };
static NUMERIC: Letters =
    Letters { function: "randNumeric", has: u8::is_ascii_digit, fixed: "0123456789", placeholder: "0" };
static ASCII: Letters = Letters {
    function: "randAscii",
    has: |byte| matches!(byte, b' '..=b'~'),
    fixed: "aB3#dE6!gH",
    placeholder: "placeholder",
};

fn letters(run: &mut Run<'_>, args: &[Value], of: &'static Letters) -> Result<Value, Fault> {
    let count = usize::try_from(int(args, 0)?).unwrap_or_default();
    spend(run, count)?;
    match source(run, of.function, args)? {
        Source::StandIn("FIXED") => Ok(repeated(of.fixed, count).into()),
        Source::StandIn(_) => made(run, of.function, repeated(of.placeholder, count)),
        Source::Stream(mut stream) => {
            let all: Vec<u8> = (0..=127).filter(of.has).collect();
            let drawn: Vec<u8> = (0..count).filter_map(|_| stream.pick(&all).copied()).collect();
            made(run, of.function, drawn)
        }
    }
}

fn repeated(text: &str, count: usize) -> String {
    text.chars().cycle().take(count).collect()
}

fn bytes(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let count = int(args, 0)?;
    let fixed = usize::try_from(count).unwrap_or_default();
    spend(run, fixed)?;
    match source(run, "randBytes", args)? {
        Source::StandIn("FIXED") => Ok(repeated("QUJD", fixed).into()),
        Source::StandIn(_) => made(run, "randBytes", STANDARD.encode(vec![0; fixed])),
        Source::Stream(_) if count < 0 => Err("runtime error: makeslice: len out of range".into()),
        Source::Stream(mut stream) => {
            let drawn: Vec<u8> = (0..fixed).map(|_| stream.bytes::<1>()[0]).collect();
            made(run, "randBytes", STANDARD.encode(drawn))
        }
    }
}

fn number(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let from = int(args, 0)?;
    let to = int(args, 1)?;
    match source(run, "randInt", args)? {
        Source::StandIn(_) => Ok(Value::Int(from)),
        Source::Stream(_) if to <= from => Err("invalid argument to Intn".into()),
        Source::Stream(mut stream) => {
            let drawn = stream.below(from.abs_diff(to)).cast_signed();
            Ok(Value::Int(from.wrapping_add(drawn)))
        }
    }
}

fn uuid(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut bytes = match source(run, "uuidv4", args)? {
        Source::StandIn(_) => [0; 16],
        Source::Stream(mut stream) => stream.bytes(),
    };
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let all = HEXLOWER.encode(&bytes);
    Ok([&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]].join("-").into())
}

fn shuffle(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let Source::Stream(mut stream) = source(run, "shuffle", args)? else { return Ok(text(args, 0)?.clone().into()) };
    let mut all: Vec<char> = runes(text(args, 0)?).collect();
    for last in (1..all.len()).rev() {
        let other = usize::try_from(stream.below(last as u64 + 1)).unwrap_or_default();
        all.swap(last, other);
    }
    Ok(all.into_iter().collect::<String>().into())
}
