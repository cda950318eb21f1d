//! `[calendars.NAME]`: the opening hours that queues name.
//!
//! Spans are written as `"09:00-13:00"`, several a day; one that ends before it begins reaches into the next day. A
//! holiday is a date (`"2026-12-24"`, or `"12-25"` for every year), closed all day unless spans follow it.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::super::fault::Place;
use super::super::reader::{Reader, Section, Spot, suggestion};
use super::super::values;
use crate::conversation::calendar::{Calendar, DAY_MINUTES, Holiday, Span, knows_zone};
use crate::ids::CalendarName;

/// The most spans of one day.
const SPANS_MAX: usize = 12;
/// The most holidays of one calendar: some years ahead.
const HOLIDAYS_MAX: usize = 500;
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const SPAN_HINT: &str = "write spans like \"09:00-13:00\"; \"00:00-24:00\" is the whole day, \"22:00-06:00\" reaches into the next one";
const HOLIDAY_HINT: &str =
    "write \"2026-12-24\", \"12-25\" for every year, or \"2026-12-24 09:00-12:00\" for other hours";

/// Reads `[calendars.*]`.
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    mut all: Section<'_>,
) -> BTreeMap<CalendarName, Calendar> {
    let mut calendars = BTreeMap::new();
    for name in all.keys() {
        if let Err(hint) = values::name(name) {
            let what = format!("{name:?} cannot name a calendar");
            reader.fault(&all.place(name), what, hint);
        }
        let mut section = all.child(reader, name);
        let calendar = calendar(reader, &mut section);
        section.finish(reader, &[]);
        calendars.insert(CalendarName::from(name), calendar);
    }
    calendars
}

/// The calendar that a queue names, which must be one of `calendars`.
pub(super) fn named(
    reader: &mut Reader<'_>,
    name: Spot<String>,
    calendars: &BTreeMap<CalendarName, Calendar>,
) -> Option<CalendarName> {
    let found = CalendarName::from(name.value.as_str());
    if calendars.contains_key(&found) {
        return Some(found);
    }
    let near = suggestion(&name.value, calendars.keys().map(CalendarName::as_str));
    let hint = format!("{near}describe it in a section [calendars.{}]", name.value);
    reader.fault(
        &name.at,
        format!("there is no calendar {:?}", name.value),
        hint,
    );
    None
}

fn calendar(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Calendar {
    let zone = section.parsed(reader, "time_zone", |name| match knows_zone(name) {
        true => Ok(name.to_owned()),
        false => Err("a name of the tz database, like \"Europe/Berlin\" or \"America/Bogota\""),
    });
    section.missing(reader, "time_zone", "time_zone = \"Europe/Berlin\"");
    let before = reader.faults.len();
    let every = spans(reader, section, "daily").unwrap_or_default();
    let weekdays = spans(reader, section, "weekdays").unwrap_or_else(|| every.clone());
    let weekend = spans(reader, section, "weekend").unwrap_or(every);
    let week = DAYS.map(|day| {
        let usual = match day {
            "saturday" | "sunday" => &weekend,
            _ => &weekdays,
        };
        spans(reader, section, day).unwrap_or_else(|| usual.clone())
    });
    // A faulty span was reported already.
    if week.iter().all(Vec::is_empty) && reader.faults.len() == before {
        let hint = "give it hours: weekdays = [\"09:00-13:00\", \"14:00-18:00\"]; leave `hours` out of a queue that is always open";
        let what = format!("`{}` never opens", section.name);
        reader.fault(&section.at, what, hint);
    }
    nights(reader, section, &week);
    Calendar {
        time_zone: zone.map(|spot| spot.value).unwrap_or_default(),
        week,
        holidays: holidays(reader, section),
    }
}

fn spans(reader: &mut Reader<'_>, section: &mut Section<'_>, key: &str) -> Option<Vec<Span>> {
    let texts = section.texts(reader, key)?;
    if texts.len() > SPANS_MAX {
        let what = format!("`{}` has {} spans", section.key(key), texts.len());
        reader.fault(&section.place(key), what, format!("at most {SPANS_MAX}"));
    }
    Some(in_order(reader, &texts))
}

/// The spans of one day, sorted; those that overlap are faults.
fn in_order(reader: &mut Reader<'_>, texts: &[Spot<String>]) -> Vec<Span> {
    let mut found: Vec<(Span, &Place)> = Vec::new();
    for text in texts {
        match span(&text.value) {
            Some(span) => found.push((span, &text.at)),
            None => {
                let what = format!("{:?} is no span", text.value);
                reader.fault(&text.at, what, SPAN_HINT);
            }
        }
    }
    found.sort_by_key(|(span, _)| *span);
    for pair in found.windows(2) {
        if pair[1].0.from < pair[0].0.to {
            let what = format!("{} overlaps {}", show(pair[1].0), show(pair[0].0));
            reader.fault(pair[1].1, what, "write each hour once");
        }
    }
    found.into_iter().map(|(span, _)| span).collect()
}

/// A span past midnight must end before the next day begins.
fn nights(reader: &mut Reader<'_>, section: &Section<'_>, week: &[Vec<Span>; 7]) {
    for (day, spans) in week.iter().enumerate() {
        let next = (day + 1) % DAYS.len();
        let (Some(last), Some(first)) = (spans.last(), week[next].first()) else {
            continue;
        };
        if last.to > DAY_MINUTES + first.from {
            let (today, tomorrow) = (DAYS[day], DAYS[next]);
            let what = format!(
                "`{}`: {} of {today} reaches into {} of {tomorrow}",
                section.name,
                show(*last),
                show(*first)
            );
            reader.fault(&section.at, what, "write each hour once");
        }
    }
}

fn holidays(reader: &mut Reader<'_>, section: &mut Section<'_>) -> Vec<Holiday> {
    let texts = section.texts(reader, "holidays").unwrap_or_default();
    if texts.len() > HOLIDAYS_MAX {
        let what = format!("`{}` has {} days", section.key("holidays"), texts.len());
        let hint = format!("at most {HOLIDAYS_MAX}; leave out the past ones");
        reader.fault(&section.place("holidays"), what, hint);
    }
    let mut found: Vec<Holiday> = Vec::new();
    for text in texts {
        let mut words = text.value.split_whitespace();
        let Some((year, month, day)) = words.next().and_then(date) else {
            let what = format!("{:?} is no day", text.value);
            reader.fault(&text.at, what, HOLIDAY_HINT);
            continue;
        };
        let hours = words.map(|word| Spot {
            value: word.trim_end_matches(',').to_owned(),
            at: text.at.clone(),
        });
        let spans = in_order(reader, &hours.collect::<Vec<_>>());
        if found
            .iter()
            .any(|other| (other.year, other.month, other.day) == (year, month, day))
        {
            let what = format!("the day is there twice: {:?}", text.value);
            reader.fault(&text.at, what, "keep one of the two");
        }
        found.push(Holiday {
            year,
            month,
            day,
            spans,
        });
    }
    found
}

/// `2026-12-24`, or `12-25` of every year.
fn date(text: &str) -> Option<(Option<i16>, i8, i8)> {
    let numbers: Vec<&str> = text.split('-').collect();
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<i8>().ok()).flatten();
    match numbers.as_slice() {
        [year, month, day] if year.len() == 4 => {
            let (year, month, day) = (year.parse().ok()?, two(month)?, two(day)?);
            Date::new(year, month, day).ok()?;
            Some((Some(year), month, day))
        }
        [month, day] => {
            let (month, day) = (two(month)?, two(day)?);
            // a leap year: 29 February is a day of some years
            Date::new(2028, month, day).ok()?;
            Some((None, month, day))
        }
        _ => None,
    }
}

/// `09:00-13:00`.
fn span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (minute(from)?, minute(to)?);
    if from >= DAY_MINUTES || from == to {
        return None;
    }
    let to = match from < to {
        true => to,
        false => to + DAY_MINUTES,
    };
    Some(Span { from, to })
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(hour) && digits(minute) && hour.len() <= 2 && minute.len() == 2) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let whole = hour * 60 + minute;
    (minute < 60 && whole <= DAY_MINUTES).then_some(whole)
}

fn show(span: Span) -> String {
    let time = |minute: u16| {
        let minute = match minute > DAY_MINUTES {
            true => minute - DAY_MINUTES,
            false => minute,
        };
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    format!("{}-{}", time(span.from), time(span.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_days_are_read_or_refused() {
        let check = |text: &str, read: Option<(u16, u16)>| {
            assert_eq!(span(text).map(|s| (s.from, s.to)), read, "{text}");
        };
        check("09:00-13:30", Some((540, 810)));
        check("9:00 - 13:30", Some((540, 810)));
        check("00:00-24:00", Some((0, 1_440)));
        check("22:00-06:00", Some((1_320, 1_800)));
        check("09:00", None);
        check("9-13", None);
        check("24:00-06:00", None);
        check("09:00-09:00", None);
        check("09:60-10:00", None);
        check("+9:00-10:00", None);
        assert_eq!(date("2026-12-24"), Some((Some(2026), 12, 24)));
        assert_eq!(date("02-29"), Some((None, 2, 29)));
        assert_eq!(date("2026-02-29"), None);
        assert_eq!(date("13-01"), None);
        assert_eq!(date("24.12."), None);
    }
}
