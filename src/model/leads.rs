//! What a model is told of leads when it assesses an answer: the classes it may name, what each means, and the product
//! categories that any of them is limited to.
//!
//! Taken from the rules that the question is judged by, so that a class which the house adds is named from the next
//! question on, and no class is named that leads nowhere. It decides nothing. Pure.

use serde_json::{Value, json};

use crate::triage::specs::Spec;

/// What a model says whose customer is in none of the classes: without it, it would take the nearest.
const NO_CLASS: &str = "none";

/// The classes and categories of one house.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leads {
    /// Of each class its name, and what it means where the house says so.
    classes: Vec<(String, Option<String>)>,
    /// Each once, in the order of the alphabet.
    categories: Vec<String>,
}

impl Leads {
    /// Those of `spec`: the house's own table, else the list that ships.
    pub fn of(spec: &Spec) -> Self {
        let limits = &spec.thresholds;
        let (classes, mut categories): (Vec<_>, Vec<_>) = match spec.classes.is_empty() {
            true => (
                limits
                    .lead_classes
                    .iter()
                    .map(|n| (n.clone(), None))
                    .collect(),
                limits.lead_categories.clone(),
            ),
            false => (
                spec.classes
                    .iter()
                    .map(|(name, class)| (name.clone(), class.means.clone()))
                    .collect(),
                spec.classes
                    .values()
                    .flat_map(|class| class.categories.iter().cloned())
                    .collect(),
            ),
        };
        categories.sort();
        categories.dedup();
        Self {
            classes,
            categories,
        }
    }

    /// The schema of the class: one of the house's names, or that none fits.
    pub fn class(&self) -> Value {
        let mut names: Vec<&str> = self.classes.iter().map(|(name, _)| name.as_str()).collect();
        if !names.iter().any(|name| name.eq_ignore_ascii_case(NO_CLASS)) {
            names.push(NO_CLASS);
        }
        let told: Vec<String> = self
            .classes
            .iter()
            .map(|(name, means)| match means {
                Some(means) => format!("{name}: {means}"),
                None => name.clone(),
            })
            .collect();
        let told = told.join("; ");
        json!({
            "type": "string",
            "enum": names,
            "description": format!("The class of the customer as a lead. {told}. Say `{NO_CLASS}` where no class fits."),
        })
    }

    /// The schema of the product category: any word, but the house's own where one fits.
    pub fn category(&self) -> Value {
        let mut told = "The product category it is about, if one is.".to_owned();
        if !self.categories.is_empty() {
            told.push_str(" Where one of these fits, in this word: ");
            told.push_str(&self.categories.join(", "));
            told.push('.');
        }
        json!({"type": "string", "description": told})
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::triage::specs::ClassSpec;

    fn class(means: Option<&str>, categories: &[&str]) -> ClassSpec {
        ClassSpec {
            means: means.map(str::to_owned),
            categories: categories.iter().map(|word| (*word).to_owned()).collect(),
            ..ClassSpec::default()
        }
    }

    #[test]
    fn the_classes_of_the_house_are_named_with_what_they_mean() {
        let classes = BTreeMap::from([
            (
                "HOT".to_owned(),
                class(Some("buys this week"), &["sofas", "lamps"]),
            ),
            ("PARTNER".to_owned(), class(None, &["lamps"])),
        ]);
        let leads = Leads::of(&Spec {
            classes,
            ..Spec::default()
        });
        let told = leads.class();
        assert_eq!(told["enum"], json!(["HOT", "PARTNER", "none"]));
        let text = told["description"].as_str().unwrap_or_default();
        assert!(text.contains("HOT: buys this week; PARTNER."), "{text}");
        let told = leads.category();
        let text = told["description"].as_str().unwrap_or_default();
        assert!(text.ends_with("in this word: lamps, sofas."), "{text}");
    }

    #[test]
    fn a_house_without_classes_has_the_one_that_ships() {
        let leads = Leads::of(&Spec::default());
        assert_eq!(leads.class()["enum"], json!(["HOT", "none"]));
        let told = leads.category();
        let text = told["description"].as_str().unwrap_or_default();
        assert!(text.ends_with("if one is."), "{text}");
    }

    #[test]
    fn a_class_called_none_stands_once() {
        let classes = BTreeMap::from([("None".to_owned(), class(None, &[]))]);
        let leads = Leads::of(&Spec {
            classes,
            ..Spec::default()
        });
        assert_eq!(leads.class()["enum"], json!(["None"]));
    }
}
