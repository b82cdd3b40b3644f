//! Time zones, from the table that is built into the program.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone. What Go calls local is UTC: what a chart gives does not depend on the machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    /// UTC.
    Utc,
    /// So many seconds east of it, with a name or none.
    Fixed(String, i64),
    /// That of a place.
    Region(TimeZone),
}

impl Zone {
    /// The zone of a name such as `Europe/Paris` (Go: `time.LoadLocation`).
    pub fn named(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        let zone = ZONES.get(name).ok()?;
        // Go looks for a file of exactly this name.
        (zone.iana_name() == Some(name)).then_some(Self::Region(zone))
    }

    /// Its abbreviation and its seconds east of UTC at a moment.
    pub fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Utc => ("UTC".to_owned(), 0),
            Self::Fixed(name, offset) => (name.clone(), *offset),
            Self::Region(zone) => Timestamp::from_second(seconds).map_or(("UTC".to_owned(), 0), |moment| {
                let info = zone.to_offset_info(moment);
                (info.abbreviation().to_owned(), i64::from(info.offset().seconds()))
            }),
        }
    }

    /// The moment at which clocks of the zone show so many seconds since 1970.
    pub fn instant(&self, local: i64) -> i64 {
        match self {
            Self::Utc => local,
            Self::Fixed(_, offset) => local - offset,
            Self::Region(zone) => {
                let shown = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(SignedDuration::from_secs(local));
                let moment = shown.and_then(|shown| zone.to_timestamp(shown));
                moment.map_or(local, Timestamp::as_second)
            }
        }
    }
}
