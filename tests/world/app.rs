//! Segue in this very process, with everything that is written in a configuration.

use std::path::Path;

use segue::app::App;
use segue::config::{Config, Environment};

/// Starts it on free ports, with its data in `DIR/data` and the `sections` given.
pub async fn start(dir: &Path, sections: &str) -> App {
    App::start(config(dir, sections)).await.expect("it starts")
}

/// The configuration alone.
pub fn config(dir: &Path, sections: &str) -> Config {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"data\"\ncache_mb = 32\n{sections}"
    );
    Config::parse("segue.toml", &text, dir, &Environment::default()).expect("a good configuration")
}
