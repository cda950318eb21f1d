//! Whether a panel shows what an alert judges: the same expression over the same window, looked at from a dashboard.
//!
//! A panel narrows its selectors to the chosen jobs and instances and may show the worst of what an alert looks at one
//! by one; a share or a quantile is the same of increases as of rates (the linter lets only the former have a window of
//! their own); and what guards against a division by nothing changes no value. All else must be equal.

use std::collections::BTreeMap;

use crate::promql::{self, Expr};

/// What an alert compares with a number, and the number: the first comparison, recorded series written out.
pub fn judged(expr: &str, recorded: &BTreeMap<String, String>) -> Option<(Expr, f64)> {
    let mut written = expr.to_owned();
    for (name, inner) in recorded {
        written = written.replace(name.as_str(), &format!("({inner})"));
    }
    let mut at = promql::parse(&written).ok()?;
    loop {
        let Expr::Binary { operator, sides } = at else {
            return None;
        };
        at = match operator.as_str() {
            "and" | "unless" => sides.0,
            "<" | ">" | "<=" | ">=" | "==" | "!=" => return Some((sides.0, number(&sides.1)?)),
            _no_comparison => return None,
        };
    }
}

/// The number that `expr` is, products reckoned out.
pub fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(number) => number.parse().ok(),
        Expr::Binary { operator, sides } if operator == "*" => {
            Some(number(&sides.0)? * number(&sides.1)?)
        }
        Expr::Binary { .. }
        | Expr::Selector(_)
        | Expr::Call { .. }
        | Expr::Aggregate { .. }
        | Expr::Subquery(_) => None,
    }
}

/// Whether `panel` shows what `alert` judges against `limit`.
pub fn shows(panel: &Expr, alert: &Expr, limit: f64) -> bool {
    let (shown, judged) = (normal(panel, false), normal(alert, false));
    if shown == judged {
        return true;
    }
    let Expr::Aggregate {
        name, arguments, ..
    } = panel
    else {
        return false;
    };
    let [inner] = arguments.as_slice() else {
        return false;
    };
    // The worst of those that the alert looks at one by one.
    if ["max", "min"].contains(&name.as_str()) && normal(inner, false) == judged {
        return true;
    }
    match alert {
        // The worst of the worst; and above none in all is above none in one.
        Expr::Aggregate {
            name: of,
            arguments,
            ..
        } => {
            let same = (name == of && name != "sum") || limit == 0.0;
            same && arguments.len() == 1 && normal(inner, false) == normal(&arguments[0], false)
        }
        Expr::Number(_)
        | Expr::Selector(_)
        | Expr::Call { .. }
        | Expr::Binary { .. }
        | Expr::Subquery(_) => false,
    }
}

/// A guard against nothing: `… > 0`.
fn guarded(operator: &str, right: &Expr) -> bool {
    operator == ">" && matches!(right, Expr::Number(zero) if zero == "0")
}

/// The expression in one spelling; `share`: inside a quotient or a quantile, where rates and increases are the same.
fn normal(expr: &Expr, share: bool) -> String {
    let all = |list: &[Expr], share| {
        let list: Vec<String> = list.iter().map(|one| normal(one, share)).collect();
        list.join(", ")
    };
    match expr {
        Expr::Number(number) => number.clone(),
        Expr::Selector(selector) => {
            let mut matchers: Vec<String> = selector
                .matchers
                .iter()
                .filter(|(label, _, value)| {
                    !value.starts_with('$') && !["job", "instance"].contains(&label.as_str())
                })
                .map(|(label, operator, value)| format!("{label}{operator}{value}"))
                .collect();
            matchers.sort();
            format!("{}{matchers:?}[{:?}]", selector.name, selector.range)
        }
        Expr::Call { name, arguments } => match name.as_str() {
            "clamp_min" => normal(&arguments[0], share),
            "rate" if share => format!("increase({})", all(arguments, share)),
            "histogram_quantile" => format!("{name}({})", all(arguments, true)),
            _as_it_stands => format!("{name}({})", all(arguments, share)),
        },
        Expr::Aggregate {
            name,
            labels,
            arguments,
        } => {
            let mut labels: Vec<&String> = labels
                .iter()
                .filter(|label| !["job", "instance"].contains(&label.as_str()))
                .collect();
            labels.sort();
            format!("{name} by {labels:?} ({})", all(arguments, share))
        }
        Expr::Binary { operator, sides } => {
            let (left, right) = (&sides.0, &sides.1);
            let guard = match (operator.as_str(), right) {
                ("and", Expr::Binary { operator, sides }) => guarded(operator, &sides.1),
                (operator, right) => guarded(operator, right),
            };
            if guard {
                return normal(left, share);
            }
            let share = share || operator == "/";
            format!(
                "({} {operator} {})",
                normal(left, share),
                normal(right, share)
            )
        }
        Expr::Subquery(inner) => format!("{}[:]", normal(inner, share)),
    }
}

fn check_shows(panel: &str, alert: &str, expected: bool) {
    let recorded = BTreeMap::from([(
        "job:x:ratio_rate5m".to_owned(),
        "sum by (job, a) (rate(x_total[5m])) / (sum by (job, a) (rate(y_total[5m])) > 0)"
            .to_owned(),
    )]);
    let (judged, limit) = judged(alert, &recorded).expect("it compares with a number");
    let panel = promql::parse(panel).expect("it reads");
    assert_eq!(shows(&panel, &judged, limit), expected, "{panel:?}");
}

#[test]
fn another_window_or_another_series_is_not_what_the_alert_judges() {
    let alert = "job:x:ratio_rate5m > 0.05 and on (job) z > 3";
    let panel = |window: &str, of: &str| {
        format!(
            r#"max(sum by (a) (increase({of}{{job=~"$job"}}[{window}])) / clamp_min(sum by (a) (increase(y_total{{job=~"$job"}}[{window}])), 1e-9))"#
        )
    };
    check_shows(&panel("5m", "x_total"), alert, true);
    check_shows(&panel("$__range", "x_total"), alert, false);
    check_shows(&panel("5m", "w_total"), alert, false);
    // Summed over all, one that is bad drowns among the good.
    check_shows(
        r#"sum(increase(x_total{job=~"$job"}[5m])) / sum(increase(y_total{job=~"$job"}[5m]))"#,
        alert,
        false,
    );
    check_shows("max(g)", "max by (job, q) (g) > 900 unless closed", true);
    check_shows("sum(g)", "max by (job, q) (g) > 900", false);
    check_shows("sum(g)", "max by (job, q) (g) > 0", true);
    check_shows(r#"max(g{a="b"})"#, "max by (job, q) (g) > 900", false);
}
