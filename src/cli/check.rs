//! `segue check`: reads the whole configuration, and the knowledge it names, and reports every fault. Binds nothing, opens nothing, writes nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::{ended, remark, say};
use crate::config::{self, Config, Environment, Provider, ServerSection};
use crate::knowledge::{Knowledge, KnowledgeError};

/// Wrong usage or configuration.
const EXIT_WRONG: u8 = 2;

/// Checks `path` (or `segue.toml` here, or else the demonstration) together with the environment. Exit 0 or 2.
pub fn run(path: Option<&Path>) -> ExitCode {
    let found = path.map(Path::to_owned).or_else(config::default_path);
    match Config::load(found.as_deref(), &Environment::of_process()) {
        Ok(config) => {
            if let Some(fault) = knowledge_fault(&config) {
                remark(&format!("{fault}\n  hint: {}\n1 fault", fault.hint()));
                return ExitCode::from(EXIT_WRONG);
            }
            ended(say(&format!("{}\n", summary(&config, found.as_deref()))))
        }
        Err(faults) => {
            let plural = if faults.len() == 1 { "fault" } else { "faults" };
            remark(&format!("{faults}\n{} {plural}", faults.len()));
            ExitCode::from(EXIT_WRONG)
        }
    }
}

/// What `serve` would refuse of the texts that answers rest on.
fn knowledge_fault(config: &Config) -> Option<KnowledgeError> {
    Knowledge::from_dir(config.knowledge.dir.as_deref()?).err()
}

/// What was understood, for people.
pub fn summary(config: &Config, path: Option<&Path>) -> String {
    let mut out = match path {
        Some(path) => format!("{}: no faults\n", path.display()),
        None => "no configuration file: this is the demonstration\n".to_owned(),
    };
    let mut line = |key: &str, value: String| {
        let _ = writeln!(out, "  {key:<10} {value}");
    };
    let ServerSection {
        listen, ops_listen, ..
    } = &config.server;
    line(
        "listens",
        format!("{listen} (public), {ops_listen} (operations)"),
    );
    line("data", config.storage.data_dir.display().to_string());
    for (name, channel) in &config.channels {
        line(
            "channel",
            format!(
                "{name}: {}, handoffs to {}",
                channel.kind.as_str(),
                channel.queue
            ),
        );
    }
    line(
        "model",
        match config.model.name.as_str() {
            "" => config.model.provider.as_str().to_owned(),
            name => format!("{} {name}", config.model.provider.as_str()),
        },
    );
    line("knowledge", knowledge(config));
    for (name, queue) in &config.queues {
        let default = if *name == config.default_queue {
            " (default)"
        } else {
            ""
        };
        let minutes = queue.claim_within.as_secs().div_ceil(60);
        let rungs = queue.ladder.len();
        line(
            "queue",
            format!(
                "{name}{default}: claimed within {minutes} min, {rungs} rungs, handback {}",
                queue.handback_policy
            ),
        );
    }
    line(
        "languages",
        config
            .texts
            .languages()
            .into_iter()
            .collect::<Vec<_>>()
            .join(", "),
    );
    line("policy", format!("{:016x}", config.policy().hash));
    for warning in config.warnings() {
        line("look at", warning);
    }
    out.truncate(out.trim_end().len());
    out
}

fn knowledge(config: &Config) -> String {
    match (&config.knowledge.dir, config.model.provider) {
        (Some(dir), _) => dir.display().to_string(),
        (None, Provider::Offline) => "the bundled sample, an invented lamp shop".to_owned(),
        (None, Provider::Anthropic | Provider::Openai) => {
            "none: the model is given no texts of yours, and prices are not checked".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knowledge_that_serve_refuses_is_a_fault() {
        let dir = tempfile::tempdir().expect("a directory");
        let check = |expected: Option<&str>| {
            let mut config = Config::demonstration();
            config.knowledge.dir = Some(dir.path().to_owned());
            let fault = knowledge_fault(&config);
            let told = fault.map(|fault| format!("{fault} ({})", fault.hint()));
            match (expected, told) {
                (None, None) => {}
                (Some(expected), Some(told)) => assert!(told.contains(expected), "{told}"),
                (expected, told) => panic!("{expected:?}, not {told:?}"),
            }
        };
        let write = |bytes: &[u8]| std::fs::write(dir.path().join("a.md"), bytes).expect("written");
        check(Some("no markdown, text, csv or json file"));
        write(b"# Hours\n\nWe open at nine: caf\xe9.\n");
        check(Some(
            "a.md:3: byte 29 (0xe9) is not UTF-8 (save the file as UTF-8",
        ));
        write(b"# Hours\n\nWe open at nine.\n");
        check(None);
    }

    #[test]
    fn the_summary_shows_no_secret() {
        let environment = Environment::from_iter([("TOKEN", "hunter2")]);
        let text = "[channels.g]\nkind = \"http\"\ntoken = { env = \"TOKEN\" }\ncallback_url = \"https://g.example/r\"\ncallback_secret = \"hunter3\"\n";
        let config = Config::parse("t", text, Path::new(""), &environment).expect("valid");
        let shown = format!("{} {config:?}", summary(&config, None));
        assert!(shown.contains("g: http"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
