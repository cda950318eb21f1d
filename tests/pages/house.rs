//! Segue as the pages meet it: in this process, on free ports, with its data in a folder of its own; shut and opened
//! again at the same address, as a restart does.

use std::path::Path;

use segue::app::App;
use segue::config::{Config, Environment};
use tempfile::TempDir;

/// A running Segue. Its data go with it.
pub struct House {
    pub app: App,
    config: Config,
    dir: TempDir,
}

/// One that has ended; its data are still there.
pub struct Shut {
    config: Config,
    dir: TempDir,
}

/// What a text configures; of an empty one, the demonstration. Listens on a free port.
pub fn config(text: &str) -> Config {
    let nothing = Environment::from_iter(Vec::<(&str, &str)>::new());
    let mut config = match text {
        "" => Config::demonstration(),
        text => Config::parse("t.toml", text, Path::new(""), &nothing).expect("valid"),
    };
    config.server.listen = "127.0.0.1:0".parse().expect("an address");
    config
}

impl House {
    /// Opens one on a folder of its own.
    pub async fn open(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Shut { config, dir }.open().await
    }

    /// Ends it; opened again it is where it was.
    pub async fn shut(mut self) -> Shut {
        self.config.server.listen = self.app.public_address();
        self.app.stop().await;
        Shut {
            config: self.config,
            dir: self.dir,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.public_address())
    }
}

impl Shut {
    pub async fn open(self) -> House {
        let Self { mut config, dir } = self;
        config.server.ops_listen = "127.0.0.1:0".parse().expect("an address");
        config.storage.data_dir = dir.path().join("data");
        let app = App::start(config.clone()).await.expect("it starts");
        House { app, config, dir }
    }
}
