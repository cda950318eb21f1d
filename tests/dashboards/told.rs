//! What a panel's description must say: what is shown and how it is reckoned, then what to do when it is bad.
//!
//! The form: the formula in words, ` Do: `, what to do, and at the end the alerts. A description that lacks a part, or
//! whose words do not fit the expressions (a quotient without a ÷, a quantile without its share), is a fault.

use crate::promql::{self, Expr};

/// Shorter ones say nothing that the title does not.
const WORDS_MIN: usize = 5;

/// What is wrong with a description of these expressions.
pub fn faults<'a>(
    description: &str,
    expressions: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((formula, rest)) = description.split_once(" Do: ") else {
        return vec!["no `Do:`".to_owned()];
    };
    let action = rest.split(" See also: ").next().unwrap_or_default();
    let action = action.split(" Alert: ").next().unwrap_or_default();
    for (part, said) in [("what is shown", formula), ("what to do", action)] {
        if said.split_whitespace().count() < WORDS_MIN {
            faults.push(format!("{part} in too few words: {said:?}"));
        }
        if !said.ends_with('.') {
            faults.push(format!("{part} is no sentence: {said:?}"));
        }
    }
    for expr in expressions {
        let Ok(tree) = promql::parse(expr) else {
            continue;
        };
        for (what, words) in asked(&tree) {
            if !words.iter().any(|word| formula.contains(word)) {
                faults.push(format!("{what} and none of {words:?}: {formula:?}"));
            }
        }
    }
    faults
}

/// What the words must tell of an expression, and by which of them.
fn asked(tree: &Expr) -> Vec<(&'static str, &'static [&'static str])> {
    let mut asked: Vec<(&str, &[&str])> = Vec::new();
    tree.walk(&mut |expr, _| match expr {
        Expr::Binary { operator, .. } if operator == "/" => asked.push(("a quotient", &["÷"])),
        Expr::Call { name, .. } => match name.as_str() {
            "histogram_quantile" => asked.push(("a quantile", &["of 100", "of 10", "half"])),
            "increase" | "avg_over_time" | "deriv" => {
                asked.push(("a window", &["in the range", "last "]));
            }
            _needs_no_word => {}
        },
        Expr::Selector(selector) if selector.range.as_deref() == Some("$__rate_interval") => {
            asked.push((
                "a rate",
                &["er second", "took no longer", "were no l", "of 10", "mean"],
            ));
        }
        Expr::Number(_)
        | Expr::Selector(_)
        | Expr::Aggregate { .. }
        | Expr::Binary { .. }
        | Expr::Subquery(_) => {}
    });
    asked
}

fn check_faulty(description: &str, expr: &str, expected: bool) {
    let faults = faults(description, [expr]);
    assert_eq!(!faults.is_empty(), expected, "{description}: {faults:?}");
}

#[test]
fn a_description_without_formula_or_advice_is_noticed() {
    let gauge = "sum(x)";
    let good = "Sum of the things that wait, now. Do: look who holds them up. Alert: SegueX.";
    check_faulty(good, gauge, false);
    check_faulty(
        "Sum of the things that wait, now. Alert: SegueX.",
        gauge,
        true,
    );
    check_faulty("Depth. Do: look who holds them up now.", gauge, true);
    check_faulty(
        "Sum of the things that wait, now. Do: look. Alert: SegueX.",
        gauge,
        true,
    );
    check_faulty(good, "sum(x) / sum(y)", true);
    check_faulty(good, "histogram_quantile(0.9, x)", true);
    check_faulty(good, "sum(increase(x_total[5m]))", true);
}
