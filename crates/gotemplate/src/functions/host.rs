//! What Helm's functions need from outside: the clock, a source for what has to be random, the live objects.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::dates::Time;
use crate::{Fault, Run, Str, Value};
use weft_base::tree::reads;
use weft_base::value;

/// What is handed in for one rendering of a release. What templates asked for is recorded in it.
pub struct Host {
    /// The name of the release; what is derived depends on it.
    pub release: String,
    /// The time that `now` gives.
    pub now: Time,
    /// Where passwords, keys and certificates come from.
    pub chance: Chance,
    /// The live objects, where the release may see them; without, `lookup` finds nothing.
    pub live: Option<Box<dyn Live>>,
    /// Variables for functions of other tools, such as helmfile's `env`. Helm's own functions read none.
    pub variables: BTreeMap<String, String>,
    asked: RefCell<Vec<LookupRequest>>,
    made: RefCell<Vec<GeneratedText>>,
    calls: RefCell<BTreeMap<(Str, Vec<u8>), u64>>,
}

/// Where passwords, keys and certificates come from.
#[derive(Clone)]
pub enum Chance {
    /// They are derived from a key, the release, the template and the call, and so are the same in each run.
    Derived(Vec<u8>),
    /// They are derived from a key that was drawn for this run, and so are others each time, as in Helm.
    Drawn(Vec<u8>),
    /// There is no key: a placeholder stands in for each.
    Placeholder,
    /// The fixed results that comparisons with Helm use.
    Fixed,
}

/// The door to live objects.
pub trait Live {
    /// The object of a name, or the list of all where the name is empty; `None` where there is none. The error is what
    /// the template's author reads.
    fn find(&self, asked: &LookupRequest) -> Result<Option<value::Value>, String>;
}

/// What a template asked `lookup` for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LookupRequest {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for objects without one, or for all namespaces.
    pub namespace: String,
    /// The name; empty for all objects.
    pub name: String,
}

/// A text that a function made up, which has to be masked.
#[derive(Clone)]
pub struct GeneratedText {
    /// The function.
    pub function: &'static str,
    /// The template that called it.
    pub file: Str,
    /// The text.
    pub text: Str,
    /// Whether it only stands in for what a key would give.
    pub placeholder: bool,
}

impl Host {
    /// A host that finds no live objects.
    pub fn new(release: impl Into<String>, now: Time, chance: Chance) -> Self {
        Self {
            release: release.into(),
            now,
            chance,
            live: None,
            variables: BTreeMap::new(),
            asked: RefCell::default(),
            made: RefCell::default(),
            calls: RefCell::default(),
        }
    }

    /// What templates asked `lookup` for, whether they could see it or not.
    pub fn asked(&self) -> Vec<LookupRequest> {
        self.asked.borrow().clone()
    }

    /// What functions made up, in the order of their calls.
    pub fn made(&self) -> Vec<GeneratedText> {
        self.made.borrow().clone()
    }

    /// Records a question to the live objects, and answers it.
    pub(super) fn look_up(&self, asked: LookupRequest) -> Result<Option<value::Value>, String> {
        reads::function("lookup");
        let found = self.live.as_ref().map_or(Ok(None), |live| live.find(&asked));
        self.asked.borrow_mut().push(asked);
        found
    }

    /// Records a text that has to be masked.
    pub(super) fn record(&self, function: &'static str, file: &Str, text: &Str) {
        reads::function(function);
        let placeholder = matches!(self.chance, Chance::Placeholder);
        self.made.borrow_mut().push(GeneratedText { function, file: file.clone(), text: text.clone(), placeholder });
    }

    /// How often this template made this very call before.
    pub(super) fn count(&self, file: &Str, call: &[u8]) -> u64 {
        let mut calls = self.calls.borrow_mut();
        let count = calls.entry((file.clone(), call.to_vec())).or_default();
        *count += 1;
        *count - 1
    }
}

/// The host of a run.
pub(super) fn of<'e>(run: &Run<'e>) -> Result<&'e Host, Fault> {
    run.host::<Host>().ok_or_else(|| Fault::new("this function needs a release"))
}

/// The arguments of a call, told apart from all others.
pub(super) fn signature(function: &str, args: &[Value]) -> Vec<u8> {
    let mut out = function.as_bytes().to_vec();
    for arg in args {
        let text = super::print::printed(arg);
        out.extend_from_slice(&text.len().to_be_bytes());
        out.extend_from_slice(&text);
    }
    out
}
