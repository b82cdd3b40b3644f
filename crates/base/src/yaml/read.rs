//! From events to values.

use std::collections::HashMap;
use std::sync::Arc;

use super::entries::Entries;
use super::events::{Event, Problem, ProblemPlace, Scalar, Start, What};
use super::scalar::{self, Unreadable};
use super::stream::Stream;
use super::{Rules, YamlError, limits};
use crate::diagnostic::Place;
use crate::value::{Data, Map, Mark, Origin, Value};

/// The documents of a text, one after the other. It ends after the first error.
pub(super) struct Reader<'t> {
    source: Source<'t>,
    events: Stream<'t>,
    failed: bool,
}

/// What is read, for the places of nodes and errors.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    text: &'t str,
    file: &'t Arc<String>,
    pub(super) rules: Rules,
}

impl Source<'_> {
    pub(super) fn origin(&self, mark: Mark) -> Origin {
        Origin::new(self.file, mark)
    }

    pub(super) fn place(&self, mark: Mark, width: usize) -> Place {
        Place::new(self.text, Origin::new(self.file, mark), width)
    }
}

impl<'t> Reader<'t> {
    /// The documents of `text`, unless it is too long.
    pub fn new(text: &'t str, file: &'t Arc<String>, rules: Rules) -> Result<Self, YamlError> {
        let limit = limits::size(rules);
        if text.len() > limit {
            let origin = Origin::new(file, Mark::default());
            return Err(YamlError::TooLarge { size: text.len(), limit, origin });
        }
        Ok(Self { source: Source { text, file, rules }, events: Stream::new(text), failed: false })
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Value, YamlError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let read = match self.events.next()? {
                Err(problem) => Err(syntax(self.source, problem)),
                Ok(Event { what: What::DocumentStart, .. }) => Document::new(self).root(),
                Ok(_) => continue,
            };
            self.failed = read.is_err();
            return Some(read);
        }
        None
    }
}

/// One document being read.
struct Document<'r, 't> {
    source: Source<'t>,
    events: &'r mut Stream<'t>,
    /// What has an anchor; `None` while its end was not read yet.
    anchors: HashMap<String, Option<(Value, Size)>>,
    depth: usize,
    /// Whether what is read stands in brackets.
    flow: bool,
    nodes: usize,
    /// What of the document was made by aliases.
    aliased: Size,
}

/// How large a node is, with all that is in it.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Its nodes, keys included.
    nodes: usize,
    /// The bytes of its texts.
    bytes: usize,
    /// Its levels of lists and maps.
    levels: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let (bytes, inner) = match &value.data {
            Data::Text(text) => (text.len(), None),
            Data::List(items) => (0, Some(items.iter().map(Self::of).fold(Self::default(), Self::and))),
            Data::Map(map) => {
                let entry = |size: Self, key: &str, value| {
                    size.and(Self { nodes: 1, bytes: key.len(), levels: 0 }).and(Self::of(value))
                };
                (0, Some(map.iter().fold(Self::default(), |size, e| entry(size, &e.key, &e.value))))
            }
            _ => (0, None),
        };
        let levels = inner.map_or(0, |inner| inner.levels + 1);
        let inner = inner.unwrap_or_default();
        Self { nodes: inner.nodes + 1, bytes: inner.bytes + bytes, levels }
    }

    fn and(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, bytes: self.bytes + other.bytes, levels: self.levels.max(other.levels) }
    }
}

impl<'r, 't> Document<'r, 't> {
    fn new(reader: &'r mut Reader<'t>) -> Self {
        Self {
            source: reader.source,
            events: &mut reader.events,
            anchors: HashMap::new(),
            depth: 0,
            flow: false,
            nodes: 0,
            aliased: Size::default(),
        }
    }

    fn root(mut self) -> Result<Value, YamlError> {
        let first = self.event()?;
        let root = self.node(first)?;
        // The end of the document; what follows it is the next one's.
        self.event()?;
        Ok(root)
    }

    fn event(&mut self) -> Result<Event, YamlError> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(problem)) => Err(syntax(self.source, problem)),
            // The parser ends every document that it began.
            None => Ok(Event { what: What::DocumentEnd, mark: Mark::default() }),
        }
    }

    fn node(&mut self, event: Event) -> Result<Value, YamlError> {
        self.nodes += 1;
        let mark = event.mark;
        let unwritten = matches!(&event.what, What::Scalar(scalar) if scalar.text.is_empty());
        let (data, anchor) = match event.what {
            What::Alias(name) => return self.alias(name, mark),
            What::Scalar(mut scalar) => {
                let anchor = scalar.anchor.take();
                (self.scalar(scalar, mark)?, anchor)
            }
            What::ListStart(start) => (self.within(mark, &start, Self::list)?, start.anchor),
            What::MapStart(start) => (self.within(mark, &start, Self::map)?, start.anchor),
            What::DocumentStart | What::DocumentEnd | What::End => (Data::Null, None),
        };
        let mark = if unwritten && self.source.rules == Rules::Kustomize && matches!(data, Data::Null) {
            Mark { column: 0, ..mark }
        } else {
            mark
        };
        let value = Value { data, origin: self.source.origin(mark) };
        if let Some(name) = anchor {
            self.remember(name, &value);
        }
        Ok(value)
    }

    /// Reads what is in a list or a map, one level deeper.
    fn within(
        &mut self,
        mark: Mark,
        start: &Start,
        read: fn(&mut Self) -> Result<Data, YamlError>,
    ) -> Result<Data, YamlError> {
        self.depth += 1;
        if self.depth > limits::DEPTH {
            return Err(YamlError::TooDeep { at: self.source.place(mark, 1) });
        }
        if let Some(name) = &start.anchor {
            self.anchors.insert(name.clone(), None);
        }
        let outside = std::mem::replace(&mut self.flow, start.flow);
        let data = read(self);
        self.flow = outside;
        self.depth -= 1;
        data
    }

    fn list(&mut self) -> Result<Data, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                Event { what: What::End, .. } => {
                    items.shrink_to_fit();
                    return Ok(Data::List(items));
                }
                event => items.push(self.node(event)?),
            }
        }
    }

    fn map(&mut self) -> Result<Data, YamlError> {
        let mut entries = Entries::new(self.source);
        loop {
            match self.event()? {
                Event { what: What::End, .. } => return Ok(Data::Map(entries.into_map())),
                Event { what: What::Scalar(key), mark } if scalar::is_merge(&key) => self.merge(mark, &mut entries)?,
                event => {
                    let mark = event.mark;
                    let key = self.key(event)?;
                    let next = self.event()?;
                    let value = self.node(next)?;
                    entries.add(key.into(), mark, value)?;
                }
            }
        }
    }

    fn key(&mut self, event: Event) -> Result<String, YamlError> {
        let mark = event.mark;
        let (key, width) = match event.what {
            What::Scalar(scalar) if scalar.anchor.is_none() => {
                self.nodes += 1;
                self.check_flow(&scalar, mark)?;
                let width = width(&scalar.text);
                let key = if self.source.rules == Rules::Kustomize { scalar::key_third } else { scalar::key };
                (key(scalar), width)
            }
            what => (scalar::key_of(self.node(Event { what, mark })?.data), 1),
        };
        key.map_err(|reason| self.unreadable(reason, mark, width))
    }

    /// Takes the keys of the map, or the maps, after `<<` in. As in Go's library they replace keys above them, and of
    /// several maps the first one wins.
    fn merge(&mut self, sign: Mark, entries: &mut Entries) -> Result<(), YamlError> {
        let event = self.event()?;
        let mark = event.mark;
        let alias = matches!(event.what, What::Alias(_));
        let map = |value: Value| match value.data {
            Data::Map(map) => Some(map),
            _ => None,
        };
        let maps: Option<Vec<Map>> = match self.node(event)?.data {
            Data::Map(map) => Some(vec![map]),
            Data::List(items) if !alias => items.into_iter().map(map).collect(),
            _ => None,
        };
        let maps = maps.ok_or_else(|| YamlError::Merge { at: self.source.place(mark, 1) })?;
        maps.into_iter().rev().try_for_each(|map| entries.merge(sign, map))
    }

    fn scalar(&self, scalar: Scalar, mark: Mark) -> Result<Data, YamlError> {
        self.check_flow(&scalar, mark)?;
        let width = width(&scalar.text);
        let read = if self.source.rules == Rules::Kustomize { scalar::read_third } else { scalar::read };
        read(scalar).map_err(|reason| self.unreadable(reason, mark, width))
    }

    /// Refuses a text in brackets that holds a `?`: to Go's scanner it ends there, and nothing that may follow it does.
    fn check_flow(&self, scalar: &Scalar, mark: Mark) -> Result<(), YamlError> {
        if !(self.flow && scalar.bare && scalar.text.contains('?')) {
            return Ok(());
        }
        let at = self.source.place(mark, scalar.text.chars().count());
        Err(YamlError::Syntax { problem: "found `?` in a text within brackets".into(), context: None, at })
    }

    fn unreadable(&self, reason: Unreadable, mark: Mark, width: usize) -> YamlError {
        let at = self.source.place(mark, width);
        match reason {
            Unreadable::Tag(tag) => YamlError::Tag { tag, at },
            Unreadable::Base64 => YamlError::Tag { tag: "!!binary".into(), at },
            Unreadable::NotFinite => YamlError::NotFinite { at },
            Unreadable::Key(found) => YamlError::Key { found, at },
        }
    }

    /// Keeps an anchor's node for its aliases, unless a node within it took the name.
    fn remember(&mut self, name: String, value: &Value) {
        let kept = self.anchors.entry(name).or_default();
        if matches!(value.data, Data::List(_) | Data::Map(_)) && kept.is_some() {
            return;
        }
        *kept = Some((value.clone(), Size::of(value)));
    }

    fn alias(&mut self, name: String, mark: Mark) -> Result<Value, YamlError> {
        let at = || self.source.place(mark, name.chars().count() + 1);
        let (value, size) = match self.anchors.get(&name) {
            Some(Some(anchored)) => anchored,
            Some(None) => return Err(YamlError::Recursive { at: at(), name }),
            None => return Err(YamlError::UnknownAnchor { at: at(), name }),
        };
        if self.depth + size.levels > limits::DEPTH {
            return Err(YamlError::TooDeep { at: at() });
        }
        self.nodes += size.nodes;
        self.aliased = self.aliased.and(*size);
        let bomb = self.aliased.nodes > 100 && self.aliased.nodes > limits::allowed_aliases(self.nodes);
        if bomb || self.aliased.bytes > limits::ALIAS_BYTES {
            return Err(YamlError::Aliases { at: at() });
        }
        Ok(value.clone())
    }
}

/// How many characters a text has, which is told quickly of most.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// A problem of libyaml's with its place. Where that is the end of the text, the place is where the unfinished part
/// begins.
fn syntax(source: Source, problem: Problem) -> YamlError {
    let mark = match problem.place {
        ProblemPlace::Mark(mark) => mark,
        ProblemPlace::Offset(offset) => mark_of(source.text, offset),
    };
    let mut at = source.place(mark, 1);
    if at.excerpt.is_none()
        && let Some((_, since)) = &problem.context
    {
        at = source.place(*since, 1);
    }
    YamlError::Syntax { problem: problem.what, context: problem.context, at }
}

/// The line and column of an offset in bytes.
fn mark_of(text: &str, offset: usize) -> Mark {
    let before = String::from_utf8_lossy(&text.as_bytes()[..offset.min(text.len())]);
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    Mark { line: count(before.matches('\n').count()), column: count(column) }
}
