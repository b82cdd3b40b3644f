//! Lines of a width: `wrap`, `wrapWith`, `abbrev`, `abbrevboth` (Masterminds/goutils).

/// The text in lines of at most `width` bytes, broken at spaces; words longer than a line are cut where `cuts` says so.
pub(super) fn wrapped(text: &[u8], width: i64, line: &[u8], cuts: bool) -> Vec<u8> {
    let line = if line.is_empty() { b"\n" } else { line };
    let width = usize::try_from(width).unwrap_or_default().max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let space = rest[..=width].iter().rposition(|byte| *byte == b' ');
        let longer = || rest[width..].iter().position(|byte| *byte == b' ').map(|at| at + width);
        let (end, next) = match space.or_else(|| if cuts { None } else { longer() }) {
            Some(at) => (at, at + 1),
            None if cuts => (width, width),
            None => break,
        };
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(line);
        rest = &rest[next..];
    }
    out.extend_from_slice(rest);
    out
}

/// The text in `width` bytes, with `...` for what is left out behind, and before `offset`, too.
pub(super) fn abbreviated(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let too_narrow = width < 4 || offset > 0 && width < 7;
    let width = usize::try_from(width).unwrap_or_default();
    if too_narrow || text.len() <= width {
        return text.to_vec();
    }
    let last = text.len() - (width - 3);
    let offset = usize::try_from(offset).unwrap_or_default().min(last);
    if offset <= 4 {
        return [&text[..width - 3], b"..."].concat();
    }
    if offset + width - 3 < text.len() {
        let inner = abbreviated(&text[offset..], 0, i64::try_from(width - 3).unwrap_or_default());
        return [b"...", &inner[..]].concat();
    }
    [b"...", &text[last..]].concat()
}
