//! Opening hours: a time zone, spans for each weekday, holidays; and what time is open by them.
//!
//! Evaluated at use and pure: the moment is an argument, and the tz database is the compiled-in one, so that a machine
//! without one, or with an older one, decides the same. A span belongs to the day on which it begins and may reach into
//! the next one; when clocks go back, what stands twice on the clock is open twice.
//!
//! A calendar that is not open again within [`LOOK_AHEAD_DAYS`] stops no clock: whoever waits must not wait for ever.
//! Never here: which queue keeps which hours, and what customers are told of them.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// How many days ahead an opening is looked for: more than five years, so that 90 days of open time are found even where
/// the doors open for one hour a day.
pub const LOOK_AHEAD_DAYS: u32 = 2_200;
/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;
/// Spans without a gap are looked at as one, up to this long: round the clock must come to an end, too.
const MERGED_MAX: Duration = Duration::from_hours(32 * 24);

/// When a queue is open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Calendar {
    /// A name of the tz database.
    pub time_zone: String,
    /// The spans of each weekday, from Monday; in order, without overlap.
    pub week: [Vec<Span>; 7],
    /// Days that are otherwise. A date of one year goes before the same date of every year.
    pub holidays: Vec<Holiday>,
}

/// Open from a minute of the local day to another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Span {
    /// From this minute of the day, below [`DAY_MINUTES`].
    pub from: u16,
    /// Up to this minute, which is not in it; above [`DAY_MINUTES`]: of the next day.
    pub to: u16,
}

/// A day with hours of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holiday {
    /// The year; none: every year.
    pub year: Option<i16>,
    /// The month, from 1.
    pub month: i8,
    /// The day, from 1.
    pub day: i8,
    /// When it is open all the same; empty: closed all day.
    pub spans: Vec<Span>,
}

/// A moment as the clock on the wall of the house shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WallTime {
    /// The weekday, 0 is Monday.
    pub weekday: usize,
    /// `2026-03-30`.
    pub date: String,
    /// `09:00`.
    pub time: String,
    /// The zone's abbreviation, `CEST`; where it has none, its distance: `UTC-03`.
    pub zone: String,
}

/// An abbreviation of the tz database for people: many zones have only their distance (`-03`), which alone reads like
/// a part of the time.
fn named(abbreviation: &str) -> String {
    match abbreviation.starts_with(['+', '-']) {
        true => format!("UTC{abbreviation}"),
        false => abbreviation.to_owned(),
    }
}

/// Whether the tz database has a zone of this name.
pub fn knows_zone(name: &str) -> bool {
    zone(name).is_some()
}

fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

impl Calendar {
    /// Whether it is open at `at`.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.opens(at) == Some(at)
    }

    /// `at` itself where it is open then, else the next opening; none when there is none to be found.
    pub fn opens(&self, at: Timestamp) -> Option<Timestamp> {
        self.windows(at).next().map(|(from, _)| from.max(at))
    }

    /// When it closes, where it is open at `at`.
    pub fn closes(&self, at: Timestamp) -> Option<Timestamp> {
        let (from, to) = self.windows(at).next()?;
        (from <= at).then_some(to)
    }

    /// When `open` of open time has passed since `from`.
    pub fn after(&self, from: Timestamp, open: Duration) -> Timestamp {
        let mut left = open;
        for (begins, ends) in self.windows(from) {
            let begins = begins.max(from);
            let long = ends.since(begins);
            if left <= long {
                return begins + left;
            }
            left -= long;
        }
        from + open
    }

    /// How long it was open between the two.
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> Duration {
        self.windows(from)
            .take_while(|(begins, _)| *begins < to)
            .map(|(begins, ends)| ends.min(to).since(begins.max(from)))
            .sum()
    }

    /// `at` on the clock of this calendar's zone.
    pub fn on_the_wall(&self, at: Timestamp) -> Option<WallTime> {
        let zone = zone(&self.time_zone)?;
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let zoned = at.to_zoned(zone);
        Some(WallTime {
            weekday: usize::try_from(zoned.weekday().to_monday_zero_offset()).unwrap_or_default(),
            date: zoned.strftime("%Y-%m-%d").to_string(),
            time: zoned.strftime("%H:%M").to_string(),
            zone: named(&zoned.strftime("%Z").to_string()),
        })
    }

    /// The open stretches that end after `at`, in order.
    fn windows(&self, at: Timestamp) -> Windows<'_> {
        let zone = zone(&self.time_zone);
        let moment = jiff::Timestamp::from_millisecond(at.as_millis()).ok();
        let day = match (&zone, moment) {
            // the night shift of the day before may still be on
            (Some(zone), Some(at)) => zone.to_datetime(at).date().yesterday().ok(),
            (None, _) | (_, None) => None,
        };
        Windows {
            calendar: self,
            zone: zone.unwrap_or(TimeZone::UTC),
            day,
            days_left: LOOK_AHEAD_DAYS,
            at,
            of_day: VecDeque::new(),
            merged: None,
        }
    }

    fn spans(&self, date: Date) -> &[Span] {
        let of = |year: Option<i16>| {
            let is = |h: &&Holiday| (h.year, h.month, h.day) == (year, date.month(), date.day());
            self.holidays.iter().find(is)
        };
        if let Some(holiday) = of(Some(date.year())).or_else(|| of(None)) {
            return &holiday.spans;
        }
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        &self.week[weekday]
    }
}

/// The open stretches of a calendar, those that touch made one.
struct Windows<'c> {
    calendar: &'c Calendar,
    zone: TimeZone,
    day: Option<Date>,
    days_left: u32,
    at: Timestamp,
    of_day: VecDeque<(Timestamp, Timestamp)>,
    merged: Option<(Timestamp, Timestamp)>,
}

impl Windows<'_> {
    fn next_raw(&mut self) -> Option<(Timestamp, Timestamp)> {
        loop {
            if let Some(window) = self.of_day.pop_front() {
                return Some(window);
            }
            let date = self.day?;
            self.days_left = self.days_left.checked_sub(1)?;
            self.day = date.tomorrow().ok();
            for span in self.calendar.spans(date) {
                // Twice on the clock when it goes back: the first time opens, the second one closes.
                let from = local(date, span.from)
                    .and_then(|at| self.zone.to_ambiguous_timestamp(at).compatible().ok());
                let to = local(date, span.to)
                    .and_then(|at| self.zone.to_ambiguous_timestamp(at).later().ok());
                let (Some(from), Some(to)) = (from, to) else {
                    continue;
                };
                let window = (stamp(from), stamp(to));
                // Nothing is left of a span in the hour that the clocks skip.
                if window.0 < window.1 && window.1 > self.at {
                    self.of_day.push_back(window);
                }
            }
        }
    }
}

impl Iterator for Windows<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((from, to)) = self.next_raw() {
            match &mut self.merged {
                Some(merged) if from <= merged.1 && merged.1.since(merged.0) < MERGED_MAX => {
                    merged.1 = merged.1.max(to);
                }
                Some(merged) => return Some(std::mem::replace(merged, (from, to))),
                None => self.merged = Some((from, to)),
            }
        }
        self.merged.take()
    }
}

fn local(date: Date, minute: u16) -> Option<DateTime> {
    let date = match minute < DAY_MINUTES {
        true => date,
        false => date.tomorrow().ok()?,
    };
    let minute = minute % DAY_MINUTES;
    let (hour, minute) = (i8::try_from(minute / 60), i8::try_from(minute % 60));
    Some(date.at(hour.ok()?, minute.ok()?, 0, 0))
}

fn stamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u16, to: u16) -> Span {
        Span {
            from: from * 60,
            to: to * 60,
        }
    }

    /// Monday to Friday 9–13 and 14–18, in Berlin, closed at Christmas, short on Christmas Eve of 2026.
    fn office() -> Calendar {
        let day = || vec![span(9, 13), span(14, 18)];
        let holiday = |year, month, day, spans| Holiday {
            year,
            month,
            day,
            spans,
        };
        Calendar {
            time_zone: "Europe/Berlin".into(),
            week: [day(), day(), day(), day(), day(), vec![], vec![]],
            holidays: vec![
                holiday(None, 12, 25, vec![]),
                holiday(None, 12, 24, vec![]),
                holiday(Some(2026), 12, 24, vec![span(9, 12)]),
            ],
        }
    }

    fn at(text: &str) -> Timestamp {
        let time: jiff::Zoned = format!("{text}[Europe/Berlin]").parse().expect("a time");
        stamp(time.timestamp())
    }

    #[test]
    fn an_opening_is_found_over_lunch_nights_weekends_holidays_and_changed_clocks() {
        let office = office();
        let check = |from: &str, opens: &str| {
            assert_eq!(office.opens(at(from)), Some(at(opens)), "{from}");
            assert_eq!(office.is_open(at(from)), from == opens, "{from}");
        };
        check("2026-11-20T10:00", "2026-11-20T10:00");
        check("2026-11-20T13:00", "2026-11-20T14:00");
        check("2026-11-20T17:59:59", "2026-11-20T17:59:59");
        check("2026-11-20T18:00", "2026-11-23T09:00");
        check("2026-11-21T12:00", "2026-11-23T09:00");
        // the short Christmas Eve of 2026 goes before the closed one of every year; then Christmas and a weekend
        check("2026-12-24T08:00", "2026-12-24T09:00");
        check("2026-12-24T12:00", "2026-12-28T09:00");
        check("2027-12-23T18:00", "2027-12-27T09:00");
        // clocks go forward on 29 March 2026 and back on 25 October
        check("2026-03-28T12:00", "2026-03-30T09:00");
        check("2026-10-24T12:00", "2026-10-26T09:00");
    }

    #[test]
    fn time_stands_still_while_it_is_closed() {
        let office = office();
        let check = |from: &str, minutes: u64, then: &str| {
            let open = Duration::from_mins(minutes);
            assert_eq!(
                office.after(at(from), open),
                at(then),
                "{from} + {minutes} min"
            );
            assert_eq!(
                office.open_between(at(from), at(then)),
                open,
                "{from} to {then}"
            );
        };
        check("2026-11-20T10:00", 5, "2026-11-20T10:05");
        check("2026-11-20T12:58", 5, "2026-11-20T14:03");
        check("2026-11-20T17:58", 5, "2026-11-23T09:03");
        check("2026-11-20T17:55", 5, "2026-11-20T18:00");
        check("2026-11-21T03:00", 0, "2026-11-23T09:00");
        check("2026-12-24T11:59", 5, "2026-12-28T09:04");
        // a working week has forty hours, whatever the clocks do in between
        check("2026-03-27T09:00", 40 * 60 + 1, "2026-04-03T09:01");
    }

    #[test]
    fn a_night_shift_has_as_many_hours_as_the_night() {
        let night = vec![Span {
            from: 22 * 60,
            to: (24 + 6) * 60,
        }];
        let calendar = Calendar {
            week: std::array::from_fn(|_| night.clone()),
            holidays: vec![],
            ..office()
        };
        let check = |from: &str, to: &str, hours| {
            assert_eq!(
                calendar.open_between(at(from), at(to)),
                Duration::from_hours(hours),
                "{from}"
            );
        };
        check("2026-11-20T20:00", "2026-11-21T12:00", 8);
        check("2026-03-28T20:00", "2026-03-29T12:00", 7);
        check("2026-10-24T20:00", "2026-10-25T12:00", 9);
        assert!(calendar.is_open(at("2026-11-21T05:59")));
        assert!(!calendar.is_open(at("2026-11-21T06:00")));
    }

    #[test]
    fn a_span_that_ends_in_the_doubled_hour_lasts_to_its_second_end() {
        let early = vec![Span {
            from: 60,
            to: 2 * 60 + 30,
        }];
        let calendar = Calendar {
            week: std::array::from_fn(|_| early.clone()),
            holidays: vec![],
            ..office()
        };
        let open = calendar.open_between(at("2026-10-25T00:00"), at("2026-10-25T12:00"));
        assert_eq!(open, Duration::from_mins(150));
        // 02:30 does not exist on this day: the clocks jump from 02:00 to 03:00
        let open = calendar.open_between(at("2026-03-29T00:00"), at("2026-03-29T12:00"));
        assert_eq!(open, Duration::from_mins(90));
    }

    #[test]
    fn round_the_clock_and_never_come_to_an_end() {
        let always = Calendar {
            week: std::array::from_fn(|_| vec![span(0, 24)]),
            holidays: vec![],
            ..office()
        };
        let from = at("2026-11-21T03:00");
        assert!(always.is_open(from));
        let hour = Duration::from_hours(2_000);
        assert_eq!(always.after(from, hour), from + hour);
        let never = Calendar {
            week: Default::default(),
            ..always
        };
        assert_eq!(never.opens(from), None);
        assert_eq!(never.closes(from), None);
        assert_eq!(never.after(from, hour), from + hour, "it stops no clock");
    }

    #[test]
    fn the_wall_shows_the_time_of_the_house() {
        let shown = office()
            .on_the_wall(at("2026-03-30T09:00"))
            .expect("a time");
        assert_eq!(
            (
                shown.weekday,
                shown.date.as_str(),
                shown.time.as_str(),
                shown.zone.as_str()
            ),
            (0, "2026-03-30", "09:00", "CEST")
        );
        assert!(knows_zone("America/New_York") && !knows_zone("Europe/Atlantis"));
        let far = Calendar {
            time_zone: "America/Sao_Paulo".to_owned(),
            ..office()
        };
        let shown = far.on_the_wall(at("2026-03-30T09:00")).expect("a time");
        assert_eq!(shown.zone, "UTC-03", "it has no name");
    }
}
