//! What is wrong with a configuration: where, what, and how to mend it.
//!
//! All faults are collected before any is shown, so that one run of `segue check` is enough. No text of a fault
//! holds the value of a secret.

use std::fmt;

/// Where something was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// In the file; both count from 1, columns in characters. Line 0: the file as a whole.
    File {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// In this environment variable.
    Variable(String),
    /// In another file that the configuration names.
    Named {
        /// Its path.
        file: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
}

impl Place {
    /// The file as a whole.
    pub const WHOLE: Self = Self::File { line: 0, column: 0 };
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, as a lower-case fragment.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

impl Fault {
    /// The same, found in the file called `name`.
    pub(super) fn in_file(mut self, name: &str) -> Self {
        if let Place::File { line, column } = self.place {
            let file = name.to_owned();
            self.place = Place::Named { file, line, column };
        }
        self
    }
}

/// Everything that is wrong, in the order of the file. Printed as `file:line:column: what` and `  hint: how to mend`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    file: String,
    list: Vec<Fault>,
}

impl Faults {
    /// Sorts `list` and drops what is said twice.
    pub(super) fn new(file: String, mut list: Vec<Fault>) -> Self {
        list.sort();
        list.dedup();
        Self { file, list }
    }

    /// The faults, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.list.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Never true of what a load returned.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match &fault.place {
                Place::File { line: 0, .. } => write!(f, "{}: ", self.file)?,
                Place::File { line, column } => write!(f, "{}:{line}:{column}: ", self.file)?,
                Place::Variable(name) => write!(f, "{name}: ")?,
                Place::Named { file, line: 0, .. } => write!(f, "{file}: ")?,
                Place::Named { file, line, column } => write!(f, "{file}:{line}:{column}: ")?,
            }
            write!(f, "{}\n  hint: {}", fault.what, fault.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
