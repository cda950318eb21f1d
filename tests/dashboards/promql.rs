//! Enough of PromQL to look into an expression: what it selects, over which range, inside which function.
//!
//! Reads Grafana's variables (`$__rate_interval`, `$__range`, …) where a number or a duration may stand. It evaluates
//! nothing; Prometheus itself does that elsewhere. Syntax: the grammar of Prometheus' documentation, "Querying".

use std::fmt;

/// An expression, read.
#[derive(Debug, PartialEq)]
pub enum Expr {
    /// A number, or a variable that stands for one.
    Number(String),
    /// Series.
    Selector(Selector),
    /// `name(arguments)`.
    Call {
        /// Which function.
        name: String,
        /// What it is given.
        arguments: Vec<Expr>,
    },
    /// `sum by (labels) (arguments)`.
    Aggregate {
        /// `sum`, `max`, …
        name: String,
        /// What is left (or dropped, with `without`).
        labels: Vec<String>,
        /// What is put together.
        arguments: Vec<Expr>,
    },
    /// `left operator right`, with `on`, `ignoring` and `group_left` passed over.
    Binary {
        /// `+`, `and`, `>=`, …
        operator: String,
        /// Both sides.
        sides: Box<(Expr, Expr)>,
    },
    /// `expression[range:step]`.
    Subquery(Box<Expr>),
}

/// A vector selector.
#[derive(Debug, PartialEq)]
pub struct Selector {
    /// The name of the series.
    pub name: String,
    /// Label, operator, value.
    pub matchers: Vec<(String, String, String)>,
    /// What stands in the square brackets.
    pub range: Option<String>,
}

impl Selector {
    /// Whether it has exactly this matcher.
    pub fn has(&self, label: &str, operator: &str, value: &str) -> bool {
        self.matchers
            .iter()
            .any(|(l, o, v)| l == label && o == operator && v == value)
    }
}

impl Expr {
    /// Everything in it, itself first, each with the functions around it, the innermost last.
    pub fn walk<'a>(&'a self, look: &mut impl FnMut(&'a Self, &[&'a str])) {
        self.walk_in(&mut Vec::new(), look);
    }

    fn walk_in<'a>(
        &'a self,
        around: &mut Vec<&'a str>,
        look: &mut impl FnMut(&'a Self, &[&'a str]),
    ) {
        look(self, around);
        match self {
            Self::Number(_) | Self::Selector(_) => {}
            Self::Call { name, arguments }
            | Self::Aggregate {
                name, arguments, ..
            } => {
                around.push(name);
                for argument in arguments {
                    argument.walk_in(around, look);
                }
                around.pop();
            }
            Self::Binary { sides, .. } => {
                sides.0.walk_in(around, look);
                sides.1.walk_in(around, look);
            }
            Self::Subquery(inner) => inner.walk_in(around, look),
        }
    }

    /// All its selectors, each with the function right around it.
    pub fn selectors(&self) -> Vec<(&Selector, Option<&str>)> {
        let mut found = Vec::new();
        self.walk(&mut |expr, around| {
            if let Self::Selector(selector) = expr {
                found.push((selector, around.last().copied()));
            }
        });
        found
    }
}

/// What is wrong, and where.
#[derive(Debug, PartialEq)]
pub struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an expression, all of it.
pub fn parse(text: &str) -> Result<Expr, Fault> {
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
    };
    let expr = reader.binary(0)?;
    match reader.peek() {
        None => Ok(expr),
        Some(token) => Err(Fault(format!("{token:?} is too much in {text}"))),
    }
}

#[derive(Debug, PartialEq, Clone)]
enum Token {
    /// A name, a keyword, a number, a duration, a variable.
    Word(String),
    Text(String),
    Sign(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '$' | '.');
    while at < chars.len() {
        let (c, start) = (chars[at], at);
        if c.is_whitespace() {
            at += 1;
        } else if c == '"' {
            at += 1;
            let mut said = String::new();
            while *chars.get(at).ok_or(Fault("an open string".to_owned()))? != '"' {
                at += usize::from(chars[at] == '\\');
                said.extend(chars.get(at));
                at += 1;
            }
            at += 1;
            tokens.push(Token::Text(said));
        } else if in_word(c) && c != ':' {
            while at < chars.len()
                && (in_word(chars[at])
                    || (chars[at] == '-' && chars[start].is_ascii_digit() && chars[at - 1] == 'e'))
            {
                at += 1;
            }
            tokens.push(Token::Word(chars[start..at].iter().collect()));
        } else {
            let two: String = chars[at..].iter().take(2).collect();
            let sign = if ["=~", "!~", "!=", "==", ">=", "<="].contains(&two.as_str()) {
                two
            } else if "(){}[],+-*/%^<>=:".contains(c) {
                c.to_string()
            } else {
                return Err(Fault(format!("{c:?} in {text}")));
            };
            at += sign.len();
            tokens.push(Token::Sign(sign));
        }
    }
    Ok(tokens)
}

/// From the weakest to the strongest.
const OPERATORS: &[&[&str]] = &[
    &["or"],
    &["and", "unless"],
    &["==", "!=", "<=", "<", ">=", ">"],
    &["+", "-"],
    &["*", "/", "%"],
    &["^"],
];
const AGGREGATES: &[&str] = &[
    "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "group",
];
const FUNCTIONS: &[&str] = &[
    "absent",
    "avg_over_time",
    "changes",
    "clamp_min",
    "deriv",
    "histogram_quantile",
    "increase",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "predict_linear",
    "rate",
    "vector",
];

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, Fault> {
        let token = self
            .peek()
            .cloned()
            .ok_or(Fault("it ends too soon".to_owned()))?;
        self.at += 1;
        Ok(token)
    }

    fn is(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(one) | Token::Sign(one)) if one == wanted)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is = self.is(wanted);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Fault> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(Fault(format!("{:?} instead of {wanted:?}", self.peek())))
    }

    fn word(&mut self) -> Result<String, Fault> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other @ (Token::Text(_) | Token::Sign(_)) => {
                Err(Fault(format!("{other:?} instead of a name")))
            }
        }
    }

    fn binary(&mut self, level: usize) -> Result<Expr, Fault> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|one| self.is(one)) {
            self.at += 1;
            self.take("bool");
            for modifier in ["on", "ignoring", "group_left", "group_right"] {
                if self.take(modifier) && self.is("(") {
                    self.names()?;
                }
            }
            let right = self.binary(level + 1)?;
            left = Expr::Binary {
                operator: (*operator).to_owned(),
                sides: Box::new((left, right)),
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let mut expr = self.simple()?;
        if self.take("[") {
            let range = self.word()?;
            // A step may have been read as a part of the word.
            let subquery = range.contains(':') || self.take(":");
            if subquery && !self.is("]") {
                self.word()?;
            }
            self.expect("]")?;
            if subquery {
                expr = Expr::Subquery(Box::new(expr));
            } else if let Expr::Selector(selector) = &mut expr {
                selector.range = Some(range);
            } else {
                return Err(Fault(format!("a range behind {expr:?}")));
            }
        }
        if self.take("offset") {
            self.word()?;
        }
        Ok(expr)
    }

    fn simple(&mut self) -> Result<Expr, Fault> {
        if self.take("(") {
            let inner = self.binary(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let word = self.word()?;
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '$') {
            return Ok(Expr::Number(word));
        }
        if AGGREGATES.contains(&word.as_str()) {
            return self.aggregate(word);
        }
        if self.is("(") {
            if !FUNCTIONS.contains(&word.as_str()) {
                return Err(Fault(format!("no function is called {word}")));
            }
            let arguments = self.arguments()?;
            return Ok(Expr::Call {
                name: word,
                arguments,
            });
        }
        let matchers = if self.is("{") {
            self.matchers()?
        } else {
            Vec::new()
        };
        Ok(Expr::Selector(Selector {
            name: word,
            matchers,
            range: None,
        }))
    }

    fn aggregate(&mut self, name: String) -> Result<Expr, Fault> {
        let mut labels = Vec::new();
        if self.take("by") || self.take("without") {
            labels = self.names()?;
        }
        let arguments = self.arguments()?;
        if self.take("by") || self.take("without") {
            labels = self.names()?;
        }
        Ok(Expr::Aggregate {
            name,
            labels,
            arguments,
        })
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Fault> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.binary(0)?);
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        Ok(arguments)
    }

    fn names(&mut self) -> Result<Vec<String>, Fault> {
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.take(")") {
            names.push(self.word()?);
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        Ok(names)
    }

    fn matchers(&mut self) -> Result<Vec<(String, String, String)>, Fault> {
        self.expect("{")?;
        let mut matchers = Vec::new();
        while !self.take("}") {
            let label = self.word()?;
            let Token::Sign(operator) = self.next()? else {
                return Err(Fault(format!("no operator behind {label}")));
            };
            let Token::Text(value) = self.next()? else {
                return Err(Fault(format!("no string behind {label}{operator}")));
            };
            matchers.push((label, operator, value));
            if !self.is("}") {
                self.expect(",")?;
            }
        }
        Ok(matchers)
    }
}

fn check_selects(text: &str, wanted: &[(&str, Option<&str>, Option<&str>)]) {
    let expr = parse(text).unwrap_or_else(|fault| panic!("{fault}"));
    let found: Vec<_> = expr
        .selectors()
        .into_iter()
        .map(|(selector, within)| (selector.name.as_str(), selector.range.as_deref(), within))
        .collect();
    assert_eq!(found, wanted, "{text}");
}

#[test]
fn expressions_are_read_as_prometheus_reads_them() {
    check_selects(
        r#"sum by (a) (rate(x_total{job=~"$job",b!="\"}"}[$__rate_interval])) / ignoring (a) group_left () (y > 0)"#,
        &[
            ("x_total", Some("$__rate_interval"), Some("rate")),
            ("y", None, None),
        ],
    );
    check_selects(
        "max_over_time(sum(z)[$__range:15s]) / 60",
        &[("z", None, Some("sum"))],
    );
    check_selects(
        "job:a:b offset 1d > 3 * 1e-9 and on (job) up unless absent(c)",
        &[
            ("job:a:b", None, None),
            ("up", None, None),
            ("c", None, Some("absent")),
        ],
    );
    let tighter = parse("a + b * c > d and e").expect("it reads");
    let Expr::Binary { operator, .. } = &tighter else {
        panic!("{tighter:?}")
    };
    assert_eq!(operator, "and");
    for wrong in [
        "sum(",
        "x{a}",
        "rate x",
        "nonsense(x)",
        "x[5m",
        "a b",
        "x{a=\"}",
        "a # b",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
