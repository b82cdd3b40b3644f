//! The events of a YAML text, from libyaml. This is the only module of the crate with unsafe code.
//!
//! What makes it sound: the parser lives on the heap behind a raw pointer, so that it never moves (it holds a pointer to
//! itself), and is freed when the iterator is dropped; the text outlives it by the lifetime `'t`; every event is freed
//! once, after its parts were copied; and nothing but safe values leaves the module.

#![allow(unsafe_code, reason = "libyaml's interface is C's; this module fences it in")]

use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use libyaml_rs::{
    YAML_ALIAS_EVENT, YAML_DOCUMENT_END_EVENT, YAML_DOCUMENT_START_EVENT, YAML_FLOW_MAPPING_STYLE,
    YAML_FLOW_SEQUENCE_STYLE, YAML_MAPPING_END_EVENT, YAML_MAPPING_START_EVENT, YAML_PLAIN_SCALAR_STYLE,
    YAML_READER_ERROR, YAML_SCALAR_EVENT, YAML_SEQUENCE_END_EVENT, YAML_SEQUENCE_START_EVENT, YAML_STREAM_END_EVENT,
    yaml_event_delete, yaml_event_t, yaml_mark_t, yaml_parser_delete, yaml_parser_initialize, yaml_parser_parse,
    yaml_parser_set_input_string, yaml_parser_t,
};

use crate::value::Mark;

/// One step through a text, with the place where it begins.
#[derive(Debug)]
pub(super) struct Event {
    /// What is there.
    pub what: What,
    /// Where it begins.
    pub mark: Mark,
}

/// What an event says.
#[derive(Debug)]
pub(super) enum What {
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// `*name`.
    Alias(String),
    /// A scalar.
    Scalar(Scalar),
    /// A list begins.
    ListStart(Start),
    /// A map begins.
    MapStart(Start),
    /// A list or a map ends.
    End,
}

/// How a list or a map begins.
#[derive(Debug)]
pub(super) struct Start {
    /// The anchor.
    pub anchor: Option<String>,
    /// Whether it is written in brackets.
    pub flow: bool,
}

/// A scalar as it was written.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// The text, without quotes and escapes.
    pub text: String,
    /// The tag, in full.
    pub tag: Option<String>,
    /// The anchor.
    pub anchor: Option<String>,
    /// Whether its meaning is open: it is neither quoted nor tagged.
    pub plain: bool,
    /// Whether it is written without quotes, on the lines of what holds it.
    pub bare: bool,
}

/// Why libyaml cannot go on.
#[derive(Debug)]
pub(super) struct Problem {
    /// What is wrong, such as `did not find expected key`.
    pub what: String,
    /// What was being read, such as `while parsing a block mapping`, and where that began.
    pub context: Option<(String, Mark)>,
    /// Where it is wrong.
    pub place: ProblemPlace,
}

/// Where a problem is: characters that cannot be read have an offset only.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProblemPlace {
    /// A line and column.
    Mark(Mark),
    /// An offset in bytes.
    Offset(usize),
}

/// The events of a text. It ends after the last document, or after the first problem.
pub(super) struct Events<'t> {
    /// Owned and initialised; every access goes through this one pointer.
    parser: *mut yaml_parser_t,
    done: bool,
    text: PhantomData<&'t str>,
}

impl<'t> Events<'t> {
    /// The events of `text`.
    pub fn new(text: &'t str) -> Self {
        let parser = Box::into_raw(Box::new(MaybeUninit::<yaml_parser_t>::uninit())).cast::<yaml_parser_t>();
        // SAFETY: `yaml_parser_initialize` writes the whole struct (it cannot fail: a failed allocation aborts), and
        // the text lives as long as `Self`.
        unsafe {
            let _ = yaml_parser_initialize(parser);
            yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
        }
        Self { parser, done: false, text: PhantomData }
    }

    fn problem(&self) -> Problem {
        // SAFETY: `new` initialised the parser; its strings are static C strings, or null.
        unsafe {
            let parser = &*self.parser;
            let place = if parser.error == YAML_READER_ERROR {
                ProblemPlace::Offset(usize::try_from(parser.problem_offset).unwrap_or(usize::MAX))
            } else {
                ProblemPlace::Mark(mark(parser.problem_mark))
            };
            let context = copy(parser.context.cast()).map(|context| (context, mark(parser.context_mark)));
            Problem { what: copy(parser.problem.cast()).unwrap_or_default(), context, place }
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let mut event = MaybeUninit::<yaml_event_t>::uninit();
            // SAFETY: `yaml_parser_parse` writes the whole event, also when it fails (then it holds nothing).
            let parsed = unsafe { yaml_parser_parse(self.parser, event.as_mut_ptr()) };
            if !parsed.ok {
                self.done = true;
                return Some(Err(self.problem()));
            }
            // SAFETY: the event is written, read while it is whole, and then deleted exactly once.
            let (what, mark, ended) = unsafe {
                let read = event.assume_init_ref();
                let it = (what(read), mark(read.start_mark), read.type_ == YAML_STREAM_END_EVENT);
                yaml_event_delete(event.as_mut_ptr());
                it
            };
            self.done = ended;
            if let Some(what) = what {
                return Some(Ok(Event { what, mark }));
            }
        }
        None
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: `new` initialised the parser in a box of this type, and nothing else frees either.
        unsafe {
            yaml_parser_delete(self.parser);
            drop(Box::from_raw(self.parser.cast::<MaybeUninit<yaml_parser_t>>()));
        }
    }
}

/// Copies what an event says; `None` for the start and the end of the stream.
///
/// # Safety
/// The event must come from `yaml_parser_parse` and not be deleted yet: its type says which part of the union is set.
unsafe fn what(event: &yaml_event_t) -> Option<What> {
    // SAFETY: each part of the union is read under its own type only; strings end with a zero byte or are null, except
    // for the scalar's text, which has a length.
    unsafe {
        Some(match event.type_ {
            YAML_DOCUMENT_START_EVENT => What::DocumentStart,
            YAML_DOCUMENT_END_EVENT => What::DocumentEnd,
            YAML_ALIAS_EVENT => What::Alias(copy(event.data.alias.anchor).unwrap_or_default()),
            YAML_SCALAR_EVENT => {
                let scalar = event.data.scalar;
                let length = usize::try_from(scalar.length).unwrap_or_default();
                What::Scalar(Scalar {
                    text: String::from_utf8_lossy(std::slice::from_raw_parts(scalar.value, length)).into_owned(),
                    tag: copy(scalar.tag),
                    anchor: copy(scalar.anchor),
                    plain: scalar.plain_implicit,
                    bare: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                })
            }
            YAML_SEQUENCE_START_EVENT => {
                let start = event.data.sequence_start;
                What::ListStart(Start { anchor: copy(start.anchor), flow: start.style == YAML_FLOW_SEQUENCE_STYLE })
            }
            YAML_MAPPING_START_EVENT => {
                let start = event.data.mapping_start;
                What::MapStart(Start { anchor: copy(start.anchor), flow: start.style == YAML_FLOW_MAPPING_STYLE })
            }
            YAML_SEQUENCE_END_EVENT | YAML_MAPPING_END_EVENT => What::End,
            _ => return None,
        })
    }
}

/// Copies a C string.
///
/// # Safety
/// The pointer must be null or lead to bytes that end with a zero byte.
unsafe fn copy(text: *const u8) -> Option<String> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text.cast()) }.to_string_lossy().into_owned())
}

/// libyaml counts lines and columns (in characters) from 0.
fn mark(mark: yaml_mark_t) -> Mark {
    let from_one = |n: u64| u32::try_from(n).map_or(u32::MAX, |n| n.saturating_add(1));
    Mark { line: from_one(mark.line), column: from_one(mark.column) }
}
