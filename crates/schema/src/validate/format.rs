//! The formats of texts that apiextensions checks; any other says nothing.

// Addresses are plain values: they are read here, and nothing is connected to.
use core::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::place::Place;
use super::{Validated, invalid};

/// One format: its name, and a regular expression for the whole text.
type Row = (&'static str, Option<Regex>);

static PATTERNS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = include_str!("formats.txt").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let (name, pattern) = line.split_once(char::is_whitespace)?;
        Some((name, Regex::new(pattern.trim()).ok()))
    };
    rows.filter_map(row).collect()
});

/// Checks a text. The server leaves dashes out of the names of most formats.
pub(super) fn check(place: &Place<'_>, value: &str, found: &mut Validated) {
    let Some(format) = super::text(place.schema, "format") else { return };
    let name = if format.starts_with("k8s-") { format.to_owned() } else { format.replace('-', "") };
    if !fits(&name, value) {
        let cause = format!("must be of type {name}");
        found.violate(&place.path, format!("format: {format}"), invalid(place.value, &cause));
    }
}

fn fits(name: &str, value: &str) -> bool {
    match name {
        "ipv4" => value.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => value.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(value),
        "byte" => base64::engine::general_purpose::STANDARD.decode(value.replace(['\r', '\n'], "")).is_ok(),
        "date" => is_date(value),
        "datetime" => matches(name, value) && value.split(['T', 't']).next().is_some_and(is_date),
        "k8s-long-name" => value.len() <= 253 && matches(name, value),
        _ => matches(name, value),
    }
}

/// An unknown format takes anything.
fn matches(name: &str, value: &str) -> bool {
    let row = PATTERNS.iter().find(|(it, _)| *it == name);
    row.and_then(|(_, pattern)| pattern.as_ref()).is_none_or(|pattern| pattern.is_match(value))
}

fn is_date(value: &str) -> bool {
    value.len() == "2006-01-02".len() && value.parse::<jiff::civil::Date>().is_ok()
}

fn is_cidr(value: &str) -> bool {
    let Some((address, bits)) = value.split_once('/') else { return false };
    let most = if address.parse::<Ipv4Addr>().is_ok() {
        32
    } else if address.parse::<Ipv6Addr>().is_ok() {
        128
    } else {
        return false;
    };
    bits.chars().all(|it| it.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}
