//! Percent-encoding of texts in addresses (RFC 3986).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what an address may hold anywhere without a meaning.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// All that would end a segment of a path. Names of RBAC objects may hold `:` and more.
const SEGMENT: AsciiSet = RESERVED.remove(b':').remove(b'@');
/// All that would end a path.
const PATH: AsciiSet = RESERVED.remove(b'/');

/// A text as a part of a path or of a query, with everything encoded that could mean something.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// A name as one segment of a path.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, &SEGMENT).to_string()
}

/// A path of a file as a relative reference, without empty segments: `a//b` would not be one everywhere.
pub fn path(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    utf8_percent_encode(&segments.join("/"), &PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_keeps_what_it_may_hold() {
        assert_eq!(part("a-._~ :@/%é"), "a-._~%20%3A%40%2F%25%C3%A9");
        assert_eq!(segment("system:auth-delegator"), "system:auth-delegator");
        assert_eq!(segment("a b/c%é@"), "a%20b%2Fc%25%C3%A9@");
        assert_eq!(path("charts/a b/x.yaml"), "charts/a%20b/x.yaml");
    }
}
