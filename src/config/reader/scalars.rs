//! Getters for single values and lists of texts: type, range, notation.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::source::Value;
use super::super::values;
use super::{Reader, Section, Spot, as_list, as_text, suggestion};

impl Section<'_> {
    /// A text that is not empty.
    pub(in crate::config) fn text(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Spot<String>> {
        let node = self.take(key)?;
        match as_text(&node.value) {
            Some(text) if !text.trim().is_empty() => Some(Spot {
                value: text.to_owned(),
                at: node.at.clone(),
            }),
            Some(_) => {
                self.wrong(
                    reader,
                    &node.at,
                    key,
                    "is empty",
                    "give it a value or remove the line",
                );
                None
            }
            None => {
                self.wrong(reader, &node.at, key, "must be a text", "put it in quotes");
                None
            }
        }
    }

    /// A text that `read` understands; `read` returns the hint if it does not.
    pub(in crate::config) fn parsed<T, H: AsRef<str>>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, H>,
    ) -> Option<Spot<T>> {
        let Spot { value, at } = self.text(reader, key)?;
        match read(&value) {
            Ok(value) => Some(Spot { value, at }),
            Err(hint) => {
                self.wrong(
                    reader,
                    &at,
                    key,
                    &format!("is not understood: {value:?}"),
                    hint.as_ref(),
                );
                None
            }
        }
    }

    /// One of these words.
    pub(in crate::config) fn word<T: Copy>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let read = |text: &str| match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(*value),
            None => {
                let all: Vec<_> = words
                    .iter()
                    .map(|(word, _)| format!("\"{word}\""))
                    .collect();
                Err(format!(
                    "{}one of {}",
                    suggestion(text, words.iter().map(|w| w.0)),
                    all.join(", ")
                ))
            }
        };
        self.parsed(reader, key, read).map(|spot| spot.value)
    }

    /// A whole number in `range`.
    pub(in crate::config) fn integer(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let node = self.take(key)?;
        let (low, high) = (range.start(), range.end());
        let number = match &node.value {
            Value::Integer(number) => Some(*number),
            Value::Variable(text, _) => text.trim().parse().ok(),
            Value::Text(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::List(_)
            | Value::Table(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => {
                let what = format!("is out of range: {number}");
                self.wrong(
                    reader,
                    &node.at,
                    key,
                    &what,
                    &format!("from {low} to {high}"),
                );
                None
            }
            None => {
                let hint = format!("from {low} to {high}, without quotes");
                self.wrong(reader, &node.at, key, "must be a whole number", &hint);
                None
            }
        }
    }

    /// A whole number in `range`, as a size.
    pub(in crate::config) fn size(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<usize> {
        self.integer(reader, key, range)
            .and_then(|n| usize::try_from(n).ok())
    }

    /// A number in `range`.
    pub(in crate::config) fn number(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Option<f64> {
        let node = self.take(key)?;
        let number = match &node.value {
            #[expect(clippy::cast_precision_loss, reason = "the ranges are small")]
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Variable(text, _) => text.trim().parse().ok(),
            Value::Text(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::List(_)
            | Value::Table(_) => None,
        };
        let number = number.filter(|n| range.contains(n));
        if number.is_none() {
            let hint = format!("from {} to {}, without quotes", range.start(), range.end());
            self.wrong(
                reader,
                &node.at,
                key,
                "must be a number in its range",
                &hint,
            );
        }
        number
    }

    /// `true` or `false`.
    pub(in crate::config) fn boolean(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<bool> {
        let node = self.take(key)?;
        let value = match &node.value {
            Value::Boolean(value) => Some(*value),
            Value::Variable(text, _) => text.trim().parse().ok(),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Datetime
            | Value::List(_)
            | Value::Table(_) => None,
        };
        if value.is_none() {
            self.wrong(
                reader,
                &node.at,
                key,
                "must be true or false",
                "without quotes",
            );
        }
        value
    }

    /// A duration in `range`.
    pub(in crate::config) fn duration(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        range: RangeInclusive<Duration>,
    ) -> Option<Spot<Duration>> {
        if let Some(Value::Integer(_)) = self
            .table
            .and_then(|t| t.get(key))
            .map(|(_, node)| &node.value)
        {
            let at = self.take(key)?.at.clone();
            self.wrong(
                reader,
                &at,
                key,
                "has no unit",
                "write a duration like \"30s\" or \"5m\", in quotes",
            );
            return None;
        }
        let spot = self.parsed(reader, key, values::duration)?;
        if range.contains(&spot.value) {
            return Some(spot);
        }
        let hint = format!(
            "from {} to {}",
            values::show(*range.start()),
            values::show(*range.end())
        );
        let what = format!("is out of range: {}", values::show(spot.value));
        self.wrong(reader, &spot.at, key, &what, &hint);
        None
    }

    /// Whole milliseconds, for the keys that end in `_ms`.
    pub(in crate::config) fn millis(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<Duration> {
        self.integer(reader, key, range)
            .and_then(|n| u64::try_from(n).ok())
            .map(Duration::from_millis)
    }

    /// A list of texts; from a variable also parted by commas.
    pub(in crate::config) fn texts(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<Vec<Spot<String>>> {
        let node = self.take(key)?;
        let at = &node.at;
        if let Value::Variable(text, None) = &node.value {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            let spot = |part: &str| Spot {
                value: part.to_owned(),
                at: at.clone(),
            };
            return Some(parts.map(spot).collect());
        }
        let Some(list) = as_list(&node.value) else {
            self.wrong(
                reader,
                at,
                key,
                "must be a list of texts",
                "write [\"one\", \"two\"]",
            );
            return None;
        };
        let mut texts = Vec::new();
        for item in list {
            match as_text(&item.value) {
                Some(text) if !text.trim().is_empty() => texts.push(Spot {
                    value: text.to_owned(),
                    at: item.at.clone(),
                }),
                Some(_) | None => self.wrong(
                    reader,
                    &item.at,
                    key,
                    "holds something that is no text",
                    "write [\"one\", \"two\"]",
                ),
            }
        }
        Some(texts)
    }
}
