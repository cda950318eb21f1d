//! A scrape, as anybody reads it who knows the text format.

use std::collections::BTreeMap;

/// Series with their labels in alphabetical order, and their values.
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads the text format.
    pub fn of(text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| {
                    let (key, value) = line.rsplit_once(' ').expect("a series has a value");
                    (sorted(key), value.parse().expect("a number"))
                })
                .collect(),
        )
    }

    /// Every series of this name.
    pub fn of_name<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0
            .iter()
            .filter(move |(key, _)| key.split('{').next() == Some(name))
            .map(|(key, value)| (key.as_str(), *value))
    }

    /// The sum over all series of this name that have all these labels.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.of_name(name)
            .filter(|(key, _)| labels.iter().all(|label| key.contains(label)))
            .map(|(_, value)| value)
            .sum()
    }

    /// Whether anything of a family is there.
    pub fn has_family(&self, name: &str) -> bool {
        let count = format!("{name}_count");
        self.of_name(name).next().is_some() || self.of_name(&count).next().is_some()
    }
}

/// The key with its labels in alphabetical order. No label value in these tests holds a comma.
pub fn sorted(key: &str) -> String {
    let Some((name, labels)) = key.split_once('{') else {
        return key.to_owned();
    };
    let mut labels: Vec<&str> = labels.trim_end_matches('}').split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}
