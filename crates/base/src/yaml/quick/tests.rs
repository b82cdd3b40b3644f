use proptest::prelude::*;

use super::*;
use crate::yaml::events::Events;

/// What is told of all documents, as far as readers look at it; `None` where a document is given up.
fn quickly(text: &str) -> Option<Vec<String>> {
    let mut quick = Quick::new(text)?;
    let mut told = Vec::new();
    loop {
        let events = quick.document()?;
        if events.is_empty() {
            return Some(told);
        }
        told.extend(events.iter().map(shown));
    }
}

fn by_libyaml(text: &str) -> Result<Vec<String>, String> {
    Events::new(text).map(|event| event.map(|it| shown(&it)).map_err(|it| format!("{it:?}"))).collect()
}

/// Nobody looks at the places of ends and of documents.
fn shown(event: &Event) -> String {
    match &event.what {
        What::DocumentStart | What::DocumentEnd | What::End => format!("{:?}", event.what),
        what => format!("{what:?} at {:?}", event.mark),
    }
}

fn agrees(text: &str) {
    if let Some(told) = quickly(text) {
        assert_eq!(Ok(told), by_libyaml(text), "{text:?}");
    }
}

#[test]
fn what_is_written_plainly_is_read_quickly() {
    for text in [
        "",
        "# nothing\n\n",
        "a: b\n",
        "a: b",
        "a:\n  b: c\n\n  # why\n  d: e # f\ng:\n",
        "list:\n- a\n- b: c\n  d:\n  - e\n- - x\n  - y\n-\n-   deep: er\n    still: here\nend: 1\n",
        "- a\n-\n  b: c\n",
        "---\na: b\n---\n# none\n---\nc: d\n--- # e\nf: g\n",
        "---\n",
        "---\n# none",
        "a: 'it''s' # so\n\"b c\": \"x\\ty\\\\\\\"\"\n'd': \"\"\n",
        "a: |\n  one\n   two  \n\n  three\n\nb: |-\n  x\n\n\nc: |+\n  y\n\nd: |\ne: |\n\n  z",
        "- |\n  x\n- a: |\n    y\n  b: z\n",
        "a: {}\nb: []\nc: [x, \"y\", {d: e, 'f': [1]}] # g\n- h\n".split("- h").next().unwrap(),
        "text: goes on\n  on this line\n\n  and that # until here\nurl: http://x:80/#y\n",
        "é: ü # ö\nö: [ä, é]\n".replace("[ä, é]", "é").as_str(),
        "a: \"one\n  two\n\n  three \\\n  four\\\n\n  \\ five\"\nb: 'x\n\n\ny' # z\nc: '\n  '\n",
        "a:\n  {}\nb:\n  # so\n  text\n  goes on\nc:\n  'x'\n-d:\n  |\n  lines\n",
        "a: |2-\n   x\n  y\n\nb: |-1\n  z\nc: :d\n:e: ?f\n",
        "args: [\"--x={{ y }}\", '*']\nk: -1\n-k: --flag\n",
    ] {
        assert!(quickly(text).is_some(), "{text:?}");
        agrees(text);
    }
}

#[test]
fn what_is_not_known_is_given_up() {
    for text in [
        "a: &x b\n",
        "a: *x\n",
        "a: !!str b\n",
        "a: >\n  b\n",
        "? a\n",
        "a: b: c\n",
        "{a: b}\n",
        "a\n",
        "a: [b,\n c]\n",
        "a: b\n c: d\n",
        "a:\tb\n",
        "a: b\r\n",
        "%YAML 1.1\n---\na: b\n",
        "a: b\n...\n",
        "a: @b\n",
        "a: \"\\x41\"\n",
        "a: b\n- c\n",
        "a: |\n    \n  b\n",
        "--- a: b\n",
        "a: 'b' c\n",
        "\u{feff}a: b\n",
        "a: b\u{85}c: d\n",
    ] {
        assert_eq!(quickly(text), None, "{text:?}");
    }
}

/// Lines that are put together at random: most make no YAML.
const LINES: &[&str] = &[
    "a: b",
    "b:",
    "a: b # c",
    "- a",
    "- a: b",
    "-",
    "- - x",
    "- b:",
    "-   c: d",
    "- |",
    "- 'x'",
    "- \"x\": y",
    "text",
    "more text # c",
    "# c",
    "",
    "   ",
    "---",
    "--- # c",
    "--- x",
    "...",
    "a: |",
    "b: |-",
    "c: |+",
    "a: |2",
    "b: |-1",
    "c: |2+",
    "d: |11",
    "e: :x",
    "f: ?x",
    ":k: v",
    "?k: v",
    "a: >-",
    "c: 'x'",
    "'x': \"y\"",
    "\"q\" : r",
    "d: \"q\\n\"",
    "e: 'it''s'",
    "f: 'open",
    "close'",
    "\"open",
    "close\"",
    "join\\",
    "e: \"a\\",
    "\\ b\"",
    "x: 'a ",
    "  y' z",
    "  z' # c",
    "g: [x, y]",
    "h: {b: c, d: [e]}",
    "i: [",
    "j: {a:b}",
    "k: [a: b]",
    "l: []",
    "[]",
    "{}",
    "? x",
    "m: &a x",
    "n: *a",
    "\tx",
    "o: \tx",
    "p: b: c",
    "q: -",
    "r: - x",
    "é: ü",
    "s: x#y",
    ": x",
    "t : b",
    "-x",
    "u:  ",
    "v: w  ",
    "w: @x",
    "x: -1",
    "%TAG",
    "<<: {}",
    "http://x",
    "y: http://x:80/",
    "z: \"x\": y",
    "a: b\u{a0}",
    "a: |  # c",
    "b: | x",
    "c: [a, ]",
    "d: [a b, c]",
    "e: {a: }",
    "- {a: b}",
    "- [a]: b",
    "- # c",
    "f: # c",
    "g:#c",
    "  x: y",
    "h: [\"a\"]",
    "i: {\"a\":b}",
    "j: ?x",
    "k: a ? b",
    "l: [a?]",
    "m: \"\"",
    "- \"a\"b",
    "n: x: ",
    "o: x:",
    "---- x",
    "-- x",
];

fn texts() -> impl Strategy<Value = String> {
    let line = (0..4usize, proptest::sample::select(LINES), 0..12u8);
    proptest::collection::vec(line, 1..10).prop_map(|lines| {
        let mut text = String::new();
        for (at, (indent, line, rare)) in lines.iter().enumerate() {
            text.push_str(&"  ".repeat(*indent)[usize::from(*rare == 0 && *indent > 0)..]);
            text.push_str(line);
            if !(*rare == 1 && at + 1 == lines.len()) {
                text.push('\n');
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_is_told_as_libyaml_tells_it(text in texts()) {
        agrees(&text);
    }
}
