//! YAML as the values that everything else here reads.

use std::path::Path;

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// Reads a file of one document.
pub fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let documents =
        YamlLoader::load_from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    assert_eq!(documents.len(), 1, "{}", path.display());
    value(&documents[0])
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Boolean(it) => (*it).into(),
        Yaml::Integer(it) => (*it).into(),
        Yaml::String(it) | Yaml::Real(it) => it.as_str().into(),
        Yaml::Array(list) => list.iter().map(value).collect(),
        Yaml::Hash(entries) => {
            let entry = |(key, it): (&Yaml, &Yaml)| {
                (key.as_str().expect("keys are words").to_owned(), value(it))
            };
            entries.iter().map(entry).collect::<Map<_, _>>().into()
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("{yaml:?}"),
    }
}
