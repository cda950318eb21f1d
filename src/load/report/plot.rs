//! Line plots as SVG, for a page that loads nothing. Pure; colours are the page's, by class.

use std::fmt::Write as _;

const WIDTH: f64 = 662.0;
const HEIGHT: f64 = 270.0;
/// Room for the ticks' words.
const LEFT: f64 = 62.0;
/// Room for half of the last tick's word, as wide as "1,000,000".
const RIGHT: f64 = 36.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// A line.
pub struct Line<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its points, from left to right; the line is broken where there is no value.
    pub points: Vec<(f64, Option<f64>)>,
}

/// An axis: where it begins and ends, its ticks with their words, and whether it counts in powers of ten.
pub struct Axis {
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
    log: bool,
}

impl Axis {
    /// From 0 to a round number at or above `most`, evenly.
    pub fn even(most: f64, unit: &str) -> Self {
        let step = round_step(most / 5.0);
        let count = (most / step).ceil().max(1.0);
        let tick = |n: f64| (n * step, format!("{}{unit}", short(n * step)));
        Self {
            from: 0.0,
            to: count * step,
            ticks: (0..=count as u32).map(|n| tick(f64::from(n))).collect(),
            log: false,
        }
    }

    /// Powers of ten around `least` and `most`, in milliseconds.
    pub fn times(least: f64, most: f64) -> Self {
        let first = least.max(0.01).log10().floor();
        let last = most.max(0.1).log10().ceil().max(first + 1.0);
        let powers = (first as i32..=last as i32).map(|power| 10_f64.powi(power));
        let word = |ms: f64| match ms {
            ms if ms >= 1_000.0 => format!("{} s", short(ms / 1_000.0)),
            ms => format!("{} ms", short(ms)),
        };
        Self {
            from: 10_f64.powf(first),
            to: 10_f64.powf(last),
            ticks: powers.map(|ms| (ms, word(ms))).collect(),
            log: true,
        }
    }

    /// Powers of ten around `least` and `most`.
    pub fn powers(least: f64, most: f64) -> Self {
        let first = least.max(1.0).log10().floor();
        let last = most.max(1.0).log10().ceil().max(first + 1.0);
        let tick = |power: i32| (10_f64.powi(power), thousands(10_u64.pow(power as u32)));
        Self {
            from: 10_f64.powf(first),
            to: 10_f64.powf(last),
            ticks: (first as i32..=last as i32).map(tick).collect(),
            log: true,
        }
    }

    /// Percentiles, each nine as wide as the one before. Points are given as [`nines`].
    pub fn percentiles() -> Self {
        let ticks = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99];
        Self {
            from: 0.0,
            to: nines(100.0),
            ticks: ticks
                .map(|percent| (nines(percent), format!("{percent}%")))
                .to_vec(),
            log: false,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| {
            if self.log {
                value.max(self.from).log10()
            } else {
                value
            }
        };
        let (from, to) = (scale(self.from), scale(self.to));
        ((scale(value) - from) / (to - from)).clamp(0.0, 1.0)
    }
}

/// A percentile as its number of nines: 0 for none, 1 for 90 %, 2 for 99 %; 100 % is drawn beyond four nines.
pub fn nines(percent: f64) -> f64 {
    let rest: f64 = 1.0 - percent / 100.0;
    if rest < 0.000_05 { 4.5 } else { -rest.log10() }
}

fn round_step(least: f64) -> f64 {
    let least = least.max(1e-9);
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power)
}

/// With a comma before every three digits.
fn thousands(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1_000), number % 1_000),
    }
}

/// Without digits that say nothing.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The plot of `lines`, with a legend above it. Nothing: a sentence in its place.
pub fn plot(about: &str, x: &Axis, y: &Axis, lines: &[Line<'_>]) -> String {
    let mut out = String::from("<figure>");
    let mut put = |text: &str| out.push_str(text);
    if lines
        .iter()
        .all(|line| line.points.iter().all(|(_, value)| value.is_none()))
    {
        put("<p class=\"none\">Nothing was measured.</p></figure>");
        return out;
    }
    put("<figcaption>");
    for (n, line) in lines.iter().enumerate() {
        put(&format!(
            "<span class=\"k k{n}\"></span>{} ",
            super::html::escape(line.name)
        ));
    }
    put("</figcaption>");
    put(&format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        super::html::escape(about)
    ));
    put(&grid(x, y));
    for (n, line) in lines.iter().enumerate() {
        put(&path(n, line, x, y));
    }
    put("</svg></figure>");
    out
}

fn across(x: &Axis, value: f64) -> f64 {
    LEFT + x.place(value) * (WIDTH - LEFT - RIGHT)
}

fn down(y: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM)
}

fn grid(x: &Axis, y: &Axis) -> String {
    let mut out = String::new();
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, word) in &y.ticks {
        let at = down(y, *value);
        out.push_str(&format!(
            "<line class=\"g\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"t\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{word}</text>",
            LEFT - 7.0,
            at + 4.0
        ));
    }
    for (value, word) in &x.ticks {
        let at = across(x, *value);
        out.push_str(&format!(
            "<line class=\"g\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"t\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{:.1}\">{word}</text>",
            bottom + 18.0
        ));
    }
    out
}

fn path(n: usize, line: &Line<'_>, x: &Axis, y: &Axis) -> String {
    let (mut path, mut dots, mut open) = (String::new(), String::new(), false);
    for (at, value) in &line.points {
        let Some(value) = value else {
            open = false;
            continue;
        };
        let (left, top) = (across(x, *at), down(y, *value));
        let step = if open { 'L' } else { 'M' };
        open = true;
        // Writing into a text cannot fail.
        let _ok = write!(path, "{step}{left:.1} {top:.1}");
        if line.points.len() <= 60 {
            let _ok = write!(
                dots,
                "<circle class=\"d d{n}\" cx=\"{left:.1}\" cy=\"{top:.1}\" r=\"2.5\"><title>{}: {}</title></circle>",
                super::html::escape(line.name),
                short(*value)
            );
        }
    }
    format!("<path class=\"l l{n}\" d=\"{path}\"/>{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let check = |most: f64, to: f64, ticks: usize| {
            let axis = Axis::even(most, "");
            assert_eq!((axis.to, axis.ticks.len()), (to, ticks), "{most}");
        };
        check(0.0, 1e-9, 2);
        check(5.0, 5.0, 6);
        check(437.0, 500.0, 6);
        check(1_001.0, 1_200.0, 7);
        let times = Axis::times(0.7, 42.0);
        assert_eq!((times.from, times.to, times.ticks.len()), (0.1, 100.0, 4));
    }

    #[test]
    fn powers_of_ten_enclose_what_is_drawn() {
        let axis = Axis::powers(421.0, 1_000_000.0);
        let words: Vec<&str> = axis.ticks.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, ["100", "1,000", "10,000", "100,000", "1,000,000"]);
        assert!((axis.place(10_000.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn more_nines_are_further_right() {
        let places: Vec<f64> = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0]
            .map(nines)
            .to_vec();
        assert!(places.windows(2).all(|two| two[0] < two[1]), "{places:?}");
        assert!((nines(99.0) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_measured() {
        let line = Line {
            name: "a<b",
            points: vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(2.0))],
        };
        let plot = plot("x", &Axis::even(2.0, ""), &Axis::even(2.0, ""), &[line]);
        assert_eq!(plot.matches('M').count(), 2, "{plot}");
        assert!(plot.contains("a&lt;b") && !plot.contains("a<b"));
    }
}
