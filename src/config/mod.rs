//! The configuration: read whole, checked whole, before anything is bound or opened.
//!
//! One file (`segue.toml`) and variables `SEGUE__SECTION__KEY` are laid over each other; every value has its type,
//! range and place; every fault is reported at once ([`Faults`]). Without a file there is the demonstration.
//! Paths in the file start at the file's directory, paths in variables at the working directory.
//!
//! Reading the configuration reads files that it names (secrets, prompt) and looks whether directories are there; it
//! never writes, binds, or talks to anybody. What the core needs of it is its [`Config::policy`].

mod doubts;
mod fault;
mod reader;
pub mod sections;
mod source;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use fault::{Fault, Faults, Place};
pub use sections::{
    ChannelKind, ChannelSection, HttpSection, KnowledgeSection, LimitsSection, LogFormat, LogLevel,
    LogSection, MetricsSection, ModelPrices, ModelSection, Provider, ServerSection, StorageSection,
    TracingSection, TwilioSection, TwilioSender, WebchatSection,
};
pub use source::Environment;
pub use values::{Rate, duration, show};

use self::reader::{Reader, Section};
use crate::conversation::calendar::Calendar;
use crate::conversation::policy::{Policy, QueuePolicy, Switches, WINDOW_ENTRIES};
use crate::conversation::texts::Texts;
use crate::ids::{CalendarName, ChannelName, QueueName};
use crate::triage::Settings;
use crate::triage::phrases::Phrases;

/// The name under which a configuration is looked for.
pub const FILE_NAME: &str = "segue.toml";
/// A configuration is some pages of text; anything larger is another file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Sections that the contract names and this version does not support.
const LATER: &[&str] = &["desks", "notify", "events"];

/// Everything that was configured. Comparable, printable (secrets print as stars).
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// `[server]`.
    pub server: ServerSection,
    /// `[storage]`.
    pub storage: StorageSection,
    /// `[channels.*]`; the web chat `web` when there are none.
    pub channels: BTreeMap<ChannelName, ChannelSection>,
    /// `[model]`.
    pub model: ModelSection,
    /// `[knowledge]`.
    pub knowledge: KnowledgeSection,
    /// `[triage]`: the bundled phrases and those of the house.
    pub phrases: Phrases,
    /// `[triage]`: the rules before the model.
    pub triage: Settings,
    /// `[triage] phrases_file`: what was read of it stands in the two above; it is followed like the configuration.
    pub phrases_file: Option<PathBuf>,
    /// `[queues.*]`; `support` when there are none.
    pub queues: BTreeMap<QueueName, QueuePolicy>,
    /// The first queue in the file: that of channels which name none.
    pub default_queue: QueueName,
    /// `[calendars.*]`: the opening hours that queues name.
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// `[messages]`: the bundled texts and what replaces them.
    pub texts: Texts,
    /// `[limits]`.
    pub limits: LimitsSection,
    /// `[log]`.
    pub log: LogSection,
    /// `[metrics]`.
    pub metrics: MetricsSection,
    /// `[tracing]`.
    pub tracing: TracingSection,
}

impl Config {
    /// What runs without any configuration: a web chat, an inbox, the offline answerer over the sample knowledge.
    pub fn demonstration() -> Self {
        let Policy {
            queues,
            default_queue,
            texts,
            phrases,
            triage,
            ..
        } = Policy::default();
        let web = ChannelSection::webchat(default_queue.clone());
        Self {
            server: ServerSection::default(),
            storage: StorageSection::default(),
            channels: BTreeMap::from([(ChannelName::from("web"), web)]),
            model: ModelSection::default(),
            knowledge: KnowledgeSection::default(),
            phrases,
            triage,
            phrases_file: None,
            queues,
            default_queue,
            calendars: BTreeMap::new(),
            texts,
            limits: LimitsSection::default(),
            log: LogSection::default(),
            metrics: MetricsSection::default(),
            tracing: TracingSection::default(),
        }
    }

    /// Reads the file at `path` (none: the demonstration) and the variables in `environment`.
    ///
    /// # Errors
    /// Every [`Fault`] of both.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Self, Faults> {
        let (name, text, base) = text_of(path)?;
        Self::parse(&name, &text, &base, environment)
    }

    /// Reads of both no more than `[storage]`: for whoever only looks for the data. Faults elsewhere are not seen, unless
    /// the file cannot be told apart into sections.
    ///
    /// # Errors
    /// Every [`Fault`] of these.
    pub fn storage(
        path: Option<&Path>,
        environment: &Environment,
    ) -> Result<StorageSection, Faults> {
        let (name, text, base) = text_of(path)?;
        laid(&name, &text, &base, environment, |reader, mut root| {
            let section = root.child(reader, "storage");
            StorageSection::read(reader, section)
        })
    }

    /// Reads `text` as the file called `name`, whose relative paths start at `base`.
    ///
    /// # Errors
    /// Every [`Fault`].
    pub fn parse(
        name: &str,
        text: &str,
        base: &Path,
        environment: &Environment,
    ) -> Result<Self, Faults> {
        laid(name, text, base, environment, read)
    }

    /// The rules of the house that the core goes by, sealed.
    pub fn policy(&self) -> Policy {
        let channel =
            |(name, section): (&ChannelName, &ChannelSection)| (name.clone(), section.policy());
        Policy {
            hash: 0,
            channels: self.channels.iter().map(channel).collect(),
            queues: self.queues.clone(),
            default_queue: self.default_queue.clone(),
            texts: self.texts.clone(),
            phrases: self.phrases.clone(),
            triage: self.triage.clone(),
            model: self.model.patience,
            window_entries: WINDOW_ENTRIES,
            switches: Switches::default(),
            calendars: self.calendars.clone(),
            earlier: BTreeMap::new(),
            on_channels: BTreeMap::new(),
            crowds: crate::conversation::line::crowd::Lines::default(),
        }
        .sealed()
    }

    /// What is allowed and yet worth a look, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, channel) in &self.channels {
            match &channel.kind {
                ChannelKind::Twilio(_) if self.server.public_url.is_none() => warnings.push(format!(
                    "channel `{name}`: Twilio signs the public URL of its webhooks; without server.public_url it is taken to be {}",
                    self.server.url()
                )),
                ChannelKind::Webchat(webchat) if webchat.allowed_origins.iter().any(|o| o == "*") => {
                    warnings.push(format!("channel `{name}`: any page may embed the web chat (allowed_origins has \"*\")"));
                }
                ChannelKind::Twilio(_) | ChannelKind::Http(_) | ChannelKind::Webchat(_) => {}
            }
        }
        if !self.server.ops_listen.ip().is_loopback() {
            warnings.push(format!(
                "the operations listener {} can be reached from other machines; metrics are not for the internet",
                self.server.ops_listen
            ));
        }
        warnings.extend(doubts::early_apologies(&self.queues, &self.channels));
        warnings.extend(self.tracing.warning());
        warnings
    }
}

/// `segue.toml` in the working directory, if it is there: what commands without `--config` read.
pub fn default_path() -> Option<PathBuf> {
    let path = PathBuf::from(FILE_NAME);
    path.is_file().then_some(path)
}

/// The name, the text and the directory of the file at `path`; none: of no file at all.
fn text_of(path: Option<&Path>) -> Result<(String, String, PathBuf), Faults> {
    let Some(path) = path else {
        return Ok(("environment".to_owned(), String::new(), PathBuf::new()));
    };
    let name = path.display().to_string();
    let text = read_file(path)
        .map_err(|problem| Fault {
            place: Place::WHOLE,
            what: format!("cannot be read: {problem}"),
            hint: "check the path after --config; `segue init` writes a starter".to_owned(),
        })
        .and_then(|bytes| source::text(&bytes).map(str::to_owned))
        .map_err(|fault| Faults::new(name.clone(), vec![fault]))?;
    let base = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok((name, text, base))
}

/// What `read` makes of `text` with the `environment` laid over it.
fn laid<T>(
    name: &str,
    text: &str,
    base: &Path,
    environment: &Environment,
    read: impl FnOnce(&mut Reader<'_>, Section<'_>) -> T,
) -> Result<T, Faults> {
    let mut syntax = Vec::new();
    // a byte order mark is no fault of the author
    let mut tree = source::parse(text.strip_prefix('\u{feff}').unwrap_or(text), &mut syntax);
    source::overlay(&mut tree, environment, &mut syntax);
    let mut reader = Reader {
        faults: Vec::new(),
        environment,
        base: base.to_owned(),
    };
    let found = read(&mut reader, Section::root(&tree));
    let faults = without_echoes(syntax, reader.faults);
    if faults.is_empty() {
        return Ok(found);
    }
    Err(Faults::new(name.to_owned(), faults))
}

fn read(reader: &mut Reader<'_>, mut root: Section<'_>) -> Config {
    let section = root.child(reader, "calendars");
    let calendars = sections::calendars::read(reader, section);
    let section = root.child(reader, "queues");
    let mut instances = root.child(reader, "channels").keys();
    if instances.is_empty() {
        instances.push("web");
    }
    let (queues, default_queue) = sections::queues::read(reader, section, &calendars, &instances);
    let names: Vec<QueueName> = queues.keys().cloned().collect();
    let section = root.child(reader, "channels");
    let none = section.keys().is_empty();
    let mut channels = sections::channels::read(reader, section, &names, &default_queue);
    if none {
        channels.insert("web".into(), ChannelSection::webchat(default_queue.clone()));
    }
    let mut child = |reader: &mut Reader<'_>, name| root.child(reader, name);
    let section = child(reader, "server");
    let server = ServerSection::read(reader, section);
    let section = child(reader, "storage");
    let storage = StorageSection::read(reader, section);
    let section = child(reader, "model");
    let model = ModelSection::read(reader, section);
    let section = child(reader, "knowledge");
    let knowledge = KnowledgeSection::read(reader, section);
    let section = child(reader, "triage");
    let said = sections::triage::read(reader, section, &names);
    let section = child(reader, "messages");
    let texts = sections::words::messages(reader, section);
    let section = child(reader, "limits");
    let limits = LimitsSection::read(reader, section);
    let section = child(reader, "log");
    let log = LogSection::read(reader, section);
    let section = child(reader, "metrics");
    let metrics = MetricsSection::read(reader, section);
    let section = child(reader, "tracing");
    let tracing = TracingSection::read(reader, section);
    root.finish(reader, LATER);
    Config {
        server,
        storage,
        channels,
        model,
        knowledge,
        phrases: said.phrases,
        triage: said.settings,
        phrases_file: said.file,
        queues,
        default_queue,
        calendars,
        texts,
        limits,
        log,
        metrics,
        tracing,
    }
}

/// A line that is no TOML leaves a wrong value or none behind: what follows from that is not reported again.
fn without_echoes(mut syntax: Vec<Fault>, others: Vec<Fault>) -> Vec<Fault> {
    let line = |fault: &Fault| match fault.place {
        Place::File { line, .. } => Some(line),
        Place::Variable(_) | Place::Named { .. } => None,
    };
    let broken: Vec<usize> = syntax.iter().filter_map(line).collect();
    syntax.extend(
        others
            .into_iter()
            .filter(|f| line(f).is_none_or(|l| !broken.contains(&l))),
    );
    syntax
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if found.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if found.len() > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
