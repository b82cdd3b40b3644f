//! Paths: Go's `path`, and `path/filepath` as on Unix, where they agree.

use super::arguments::text;
use crate::{Function, Type};

const S: Type = Type::Str;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("base", &[S], |_, args| Ok(base(text(args, 0)?).to_vec().into())),
    Function::new("dir", &[S], |_, args| Ok(dir(text(args, 0)?).into())),
    Function::new("clean", &[S], |_, args| Ok(clean(text(args, 0)?).into())),
    Function::new("ext", &[S], |_, args| Ok(ext(text(args, 0)?).to_vec().into())),
    Function::new("isAbs", &[S], |_, args| Ok(text(args, 0)?.starts_with(b"/").into())),
    Function::new("osBase", &[S], |_, args| Ok(base(text(args, 0)?).to_vec().into())),
    Function::new("osDir", &[S], |_, args| Ok(dir(text(args, 0)?).into())),
    Function::new("osClean", &[S], |_, args| Ok(clean(text(args, 0)?).into())),
    Function::new("osExt", &[S], |_, args| Ok(ext(text(args, 0)?).to_vec().into())),
    Function::new("osIsAbs", &[S], |_, args| Ok(text(args, 0)?.starts_with(b"/").into())),
];

/// The last part of a path; `.` of an empty one, `/` of one that is nothing but slashes.
pub fn base(path: &[u8]) -> &[u8] {
    let Some(last) = path.iter().rposition(|byte| *byte != b'/') else {
        return if path.is_empty() { b"." } else { b"/" };
    };
    let trimmed = &path[..=last];
    &trimmed[trimmed.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)..]
}

/// All but the last part, cleaned.
pub fn dir(path: &[u8]) -> Vec<u8> {
    clean(&path[..path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)])
}

/// What follows the last point of the last part, with the point.
fn ext(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| matches!(byte, b'.' | b'/')) {
        Some(at) if path[at] == b'.' => &path[at..],
        _ => b"",
    }
}

/// The shortest path that leads to the same place.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", &joined[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, cleaned) in
            [("", "."), ("a/../..", ".."), ("/../a//b/.", "/a/b"), ("a/b/../c", "a/c"), ("../../x", "../../x")]
        {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes(), "{path}");
        }
        assert_eq!(base(b"a/b//"), b"b");
        assert_eq!(dir(b"a/b"), b"a");
    }
}
