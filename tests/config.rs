//! The configuration from outside: broken files with the faults expected of them, whole files, the environment, and
//! files changed at random.
//!
//! Beside every `tests/configs/NAME.toml` stands `NAME.faults`: what `segue check` must say of it, to the letter.
//! Without one, the file must be valid.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use segue::clock::Timestamp;
use segue::config::{
    ChannelKind, Config, Environment, Faults, ModelPrices, Provider, TwilioSender,
};
use segue::conversation::message::Medium;
use segue::conversation::policy::{OnLapse, RungAction};
use segue::conversation::routes::{Assignment, Pin};
use segue::conversation::texts::{TextArgs, TextKey};
use segue::conversation::words::HandbackPolicy;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs")
}

fn environment() -> Environment {
    Environment::from_iter([("TWILIO_AUTH_TOKEN", "from-the-environment"), ("EMPTY", "")])
}

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let environment = variables.iter().copied().collect();
    Config::parse("t.toml", text, &directory(), &environment)
}

fn whole() -> String {
    fs::read_to_string(directory().join("whole.toml")).expect("the whole configuration")
}

#[test]
fn every_file_of_the_table_has_exactly_the_faults_beside_it() {
    let mut seen = 0;
    for entry in fs::read_dir(directory()).expect("the table") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        seen += 1;
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a text");
        // paths in messages must not depend on the machine: the base is given as a relative one
        let base = Path::new("tests/configs");
        let said = match Config::parse(&name, &text, base, &environment()) {
            Ok(_) => String::new(),
            Err(faults) => format!("{faults}\n"),
        };
        let expected = fs::read_to_string(path.with_extension("faults")).unwrap_or_default();
        assert_eq!(said, expected, "{name} says:\n{said}");
    }
    assert!(seen >= 15, "the table has only {seen} files");
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each key")]
#[test]
fn a_whole_configuration_is_understood() {
    let config = Config::parse("whole.toml", &whole(), &directory(), &environment());
    let config = config.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(
        config.default_queue.as_str(),
        "sales",
        "the first in the file"
    );
    let channel = &config.channels[&"whatsapp".into()];
    let ChannelKind::Twilio(twilio) = &channel.kind else {
        panic!("{channel:?}")
    };
    let tokens: Vec<&str> = twilio.auth_tokens.iter().map(|t| t.expose()).collect();
    assert_eq!(tokens, ["from-the-environment", "from-a-file"]);
    assert_eq!(
        twilio.sender,
        TwilioSender::From("whatsapp:+14155550100".into())
    );
    assert_eq!(config.model.provider, Provider::Openai);
    assert_eq!(config.model.system_prompt.as_deref(), Some("Be brief.\n"));
    let price = |input, output, cached| ModelPrices {
        input,
        output,
        cached,
    };
    let prices = [
        ("a-model", price(3_000_000, 15_000_000, 300_000)),
        ("a-third", price(250_000, 2_000_000, 250_000)),
    ];
    assert_eq!(
        config.model.prices,
        prices.map(|(name, price)| (name.to_owned(), price)).into()
    );
    assert_eq!(config.knowledge.min_score, 420);
    let tracing = &config.tracing;
    assert_eq!(
        tracing.otlp_endpoint.as_deref(),
        Some("https://collector.example/otlp/v1/traces")
    );
    let headers = tracing.headers.iter();
    let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.expose())).collect();
    assert_eq!(
        headers,
        [
            ("authorization", "collector-key"),
            ("x-tenant", "from-a-file")
        ]
    );
    assert_eq!(tracing.service_name, "front desk");
    assert!((tracing.sample_ratio - 0.25).abs() < 1e-9 && !tracing.continue_inbound);
    assert_eq!(config.storage.data_dir, directory().join("data"));

    let policy = config.policy();
    let channel = &policy.channels[&"whatsapp".into()];
    assert_eq!(channel.medium, Medium::Whatsapp);
    assert_eq!(channel.reply_window, Some(Duration::from_hours(24)));
    assert_eq!(channel.burst.quiet, Duration::from_millis(1500));
    assert_eq!(policy.queue_of(&"gateway".into()).as_str(), "sales");
    let queue = &policy.queues[&"sales".into()];
    assert_eq!(queue.ladder[1].action, RungAction::Lead);
    assert_eq!(
        queue.ladder[2].action,
        RungAction::Transfer("support".into())
    );
    assert_eq!(queue.handback_policy, HandbackPolicy::AskAfterSilence);
    assert_eq!(queue.on_lapse, OnLapse::HandBack);
    let support = &policy.queues[&"support".into()];
    assert_eq!(support.claim_within, Duration::from_mins(20));
    let leads = &policy.queues[&"leads".into()];
    assert_eq!(leads.assignment, Assignment::LeastLoaded);
    assert_eq!(
        (leads.capacity, leads.offer_for),
        (3, Duration::from_secs(90))
    );
    assert_eq!(leads.pin.attribute.as_deref(), Some("account_manager"));
    assert!(leads.tell.position && leads.tell.estimate);
    assert_eq!(leads.tell.alternatives_after, Some(Duration::from_mins(15)));
    assert_eq!(leads.survey.len(), 2);
    assert!(leads.pin.last_agent && support.pin == Pin::default());
    let matches = leads.matches.as_ref().expect("it has conditions");
    assert_eq!(
        (matches.conditions(), matches.value_from),
        (6, Some(1_000_000))
    );
    assert!(matches.languages.contains("es") && matches.classes.contains("hot"));
    assert!(!support.ai_after_hours && queue.ai_after_hours && queue.hours.is_none());
    let office = policy.calendar(support).expect("it keeps hours");
    let after = |from: &str, minutes| {
        let from = Timestamp::parse(from).expect("a time");
        office.after(from, Duration::from_mins(minutes)).rfc3339()
    };
    // two minutes before lunch; the Wednesday before Thanksgiving; a Friday that ends early; a Saturday night
    assert_eq!(
        after("2026-11-24T12:28:00-05:00", 5),
        "2026-11-24T18:33:00.000Z"
    );
    assert_eq!(
        after("2026-11-25T17:59:00-05:00", 5),
        "2026-11-27T14:04:00.000Z"
    );
    assert_eq!(
        after("2026-11-27T14:59:00-05:00", 5),
        "2026-11-29T03:04:00.000Z"
    );
    assert_eq!(
        after("2026-11-29T01:59:00-05:00", 5),
        "2026-11-30T14:04:00.000Z"
    );
    assert_eq!(
        after("2026-12-24T12:30:00-05:00", 5),
        "2026-12-24T18:05:00.000Z"
    );
    assert_eq!(
        support.ladder[1].after,
        Duration::from_mins(40),
        "follows the target"
    );
    assert!(
        policy
            .phrases
            .wants_person("get me the concierge", Some("en"))
            .is_some()
    );
    assert!(policy.phrases.wants_person("real person", None).is_some());
    assert_eq!(
        policy.phrases.wants_person("the real person museum", None),
        None
    );
    let args = TextArgs {
        agent: Some("Ana"),
        ..TextArgs::default()
    };
    assert_eq!(
        policy.texts.render(TextKey::Joined, Some("en"), args),
        "Ana is here."
    );
}

#[test]
fn phrases_of_their_own_file_and_windows_of_a_channel_are_in_force() {
    let path = directory().join("phrases-and-windows.toml");
    let text = fs::read_to_string(&path).expect("a text");
    let config = Config::parse("t.toml", &text, &directory(), &environment());
    let config = config.unwrap_or_else(|faults| panic!("{faults}"));
    let file = directory().join("counter.phrases");
    assert_eq!(config.phrases_file.as_deref(), Some(file.as_path()));
    let policy = config.policy();
    let asks = |text: &str| policy.phrases.wants_person(text, None).is_some();
    assert!(asks("get me the lady at the counter"));
    let rules = policy.triage.rules();
    let found = |text: &str| {
        let triage = rules.before_model(text, &segue::triage::Context::default());
        let decided = triage.decision().map(|finding| finding.rule.clone());
        (decided, triage.findings.len())
    };
    assert_eq!(
        found("my rma number is missing").0.as_deref(),
        Some("warranty")
    );
    assert_eq!(
        found("i want my money back").0.as_deref(),
        Some("keyword.refund")
    );
    assert_eq!(
        found("ich will mein geld zurück"),
        (None, 0),
        "German is off"
    );
    let (decided, findings) = found("we need 500 units of it");
    assert_eq!(
        (decided, findings),
        (None, 1),
        "a rule of numbers only observes"
    );
    let (web, support) = ("web".into(), "support".into());
    let (plain, own) = (
        policy.queue_rules(&support),
        policy.queue_rules_on(&web, &support),
    );
    assert_eq!(plain.claim_within, Duration::from_mins(5));
    assert_eq!(own.claim_within, Duration::from_mins(2));
    assert_eq!(
        own.ladder[1].after,
        Duration::from_mins(4),
        "follows the target"
    );
    assert_eq!((plain.mention_person, own.mention_person), (2, 1));
    assert_eq!(plain.remind_after, Some(Duration::from_hours(12)));
    assert_eq!(own.remind_after, Some(Duration::from_mins(10)));
    assert_eq!(
        (plain.parked_for, own.parked_for),
        (Duration::from_hours(72), Duration::from_hours(36))
    );
    assert!(own.ai_while_waiting && !own.ai_after_hours && !own.customer_may_end);
}

#[test]
fn no_secret_is_ever_printed() {
    let config =
        Config::parse("whole.toml", &whole(), &directory(), &environment()).expect("valid");
    let shown = format!(
        "{config:?} {:?} {}",
        config.policy(),
        segue::cli::check::summary(&config, None)
    );
    for secret in [
        "from-the-environment",
        "from-a-file",
        "gateway-token",
        "gateway-secret",
        "model-key",
        "collector-key",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let faults = parse(
        "[model]\nprovider = \"offline\"\napi_key = \"do-not-print\\u0007\"\n",
        &[],
    );
    assert!(
        !faults
            .expect_err("a fault")
            .to_string()
            .contains("do-not-print")
    );
}

#[test]
fn without_a_file_there_is_the_demonstration() {
    assert_eq!(
        Config::load(None, &Environment::default()),
        Ok(Config::demonstration())
    );
    let demonstration = Config::demonstration();
    assert_eq!(
        demonstration.policy(),
        segue::conversation::policy::Policy::default()
    );
    assert_eq!(demonstration.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        demonstration.server.ops_listen.to_string(),
        "127.0.0.1:9090"
    );
    assert_eq!(demonstration.storage.data_dir, Path::new("./segue-data"));
}

#[test]
fn a_variable_replaces_what_the_file_says() {
    let variables = [
        ("SEGUE__SERVER__LISTEN", "0.0.0.0:80"),
        ("SEGUE__SERVER__MAX_IN_FLIGHT", "7"),
        ("SEGUE__QUEUES__SUPPORT__AI_WHILE_WAITING", "true"),
        (
            "SEGUE__QUEUES__SUPPORT__LADDER",
            "[{ after = \"1m\", do = \"apologise\" }]",
        ),
        ("SEGUE__CHANNELS__WEB__KIND", "webchat"),
        (
            "SEGUE__CHANNELS__WEB__ALLOWED_ORIGINS",
            "https://a.example, https://b.example",
        ),
        ("SEGUE__CHANNELS__GATE__KIND", "http"),
        ("SEGUE__CHANNELS__GATE__TOKEN", "[looks like a list"),
        (
            "SEGUE__CHANNELS__GATE__CALLBACK_URL",
            "https://g.example/r?x=1",
        ),
        ("SEGUE__CHANNELS__GATE__CALLBACK_SECRET", "12345"),
        ("SEGUE_CONFIG", "not ours"),
    ];
    let config =
        parse("[server]\nlisten = \"nonsense\"\n", &variables).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.server.max_in_flight, 7);
    let queue = &config.queues[&"support".into()];
    assert!(queue.ai_while_waiting && queue.ladder.len() == 1);
    let ChannelKind::Webchat(web) = &config.channels[&"web".into()].kind else {
        panic!("no web chat")
    };
    assert_eq!(
        web.allowed_origins,
        ["https://a.example", "https://b.example"]
    );
    let ChannelKind::Http(gate) = &config.channels[&"gate".into()].kind else {
        panic!("no gateway")
    };
    assert_eq!(gate.token.expose(), "[looks like a list");
}

#[test]
fn a_fault_of_a_variable_names_the_variable() {
    let check = |name: &str, value: &str, expected: &str| {
        let faults = parse("", &[(name, value)]).expect_err(name).to_string();
        assert!(
            faults.starts_with(&format!("{name}: {expected}")),
            "{faults}"
        );
    };
    check("SEGUE__SERVER__LISTN", "x", "unknown key `server.listn`");
    check(
        "SEGUE__SERVER__MAX_IN_FLIGHT",
        "many",
        "`server.max_in_flight` must be a whole number",
    );
    check("SEGUE__SERVER", "x", "`server` is no section");
    check("SEGUE__", "x", "the variable names no setting");
    check(
        "SEGUE__QUEUES__SUPPORT__LADDER__0__AFTER",
        "5m",
        "`queues.support.ladder` is no list",
    );
    check(
        "SEGUE__MODEL__PROVIDER",
        "openai",
        "`model.api_key` is missing",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let faults = Config::load(
        Some(Path::new("no/such/segue.toml")),
        &Environment::default(),
    );
    let faults = faults.expect_err("not there");
    assert_eq!(faults.len(), 1);
    assert!(
        faults
            .to_string()
            .starts_with("no/such/segue.toml: cannot be read: "),
        "{faults}"
    );
    assert!(Config::load(Some(Path::new("tests")), &Environment::default()).is_err());
}

#[test]
fn a_file_that_is_no_utf8_says_which_byte() {
    let dir = tempfile::tempdir().expect("a folder");
    let check = |bytes: &[u8], says: &str| {
        let path = dir.path().join("t.toml");
        fs::write(&path, bytes).expect("written");
        let faults = Config::load(Some(&path), &Environment::default()).expect_err("no text");
        let said = faults.to_string();
        assert!(
            said.contains(says) && said.contains("save the file as UTF-8"),
            "{said}"
        );
    };
    check(
        b"[server]\n# M\xfcnchen\n",
        "t.toml:2:4: byte 12 (0xfc) is not UTF-8",
    );
    check(
        b"# gr\xc3\xbc\xdf",
        "t.toml:1:6: byte 6 (0xdf) is not UTF-8",
    );
    check(b"\xff\xfe[\0", "t.toml:1:1: byte 0 (0xff) is not UTF-8");
}

#[test]
fn a_byte_order_mark_and_other_line_ends_are_no_faults() {
    let text = format!("\u{feff}{}", whole().replace('\n', "\r\n"));
    let config = Config::parse("whole.toml", &text, &directory(), &environment());
    assert!(config.is_ok(), "{}", config.expect_err("checked"));
}

/// A change of the text at a place given as a share of its length.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize),
    Insert(String),
    Double,
    SwapValue(&'static str),
}

fn changed(text: &str, changes: &[(prop::sample::Index, Change)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, change) in changes {
        let at = at.index(lines.len());
        let line = &mut lines[at];
        match change {
            Change::Cut(column) => line.truncate(line.floor_char_boundary(*column)),
            Change::Insert(noise) => {
                let middle = line.floor_char_boundary(line.len() / 2);
                line.insert_str(middle, noise);
            }
            Change::Double => {
                let twin = line.clone();
                lines.insert(at, twin);
            }
            Change::SwapValue(value) => {
                if let Some((key, _)) = line.clone().split_once('=') {
                    *line = format!("{key}= {value}");
                }
            }
        }
    }
    lines.join("\n")
}

fn change() -> impl Strategy<Value = Change> {
    let values = prop::sample::select(vec![
        "\"\"",
        "-1",
        "1e999",
        "nan",
        "true",
        "[]",
        "{}",
        "[[], {}]",
        "{ env = 5 }",
        "1979-05-27",
        "\"{\"",
        "\"99999999999999999999d\"",
        "\"💥\"",
        "9223372036854775808",
        "'''",
        "{ a = { b = { c = 1 } } }",
    ]);
    prop_oneof![
        (0usize..60).prop_map(Change::Cut),
        "[\\PC\"'\\[\\]{}=.#\n]{0,6}".prop_map(Change::Insert),
        Just(Change::Double),
        values.prop_map(Change::SwapValue),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_changed_at_random_is_read_or_refused_with_places(
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..6)
    ) {
        let text = changed(&whole(), &changes);
        let lines = text.lines().count().max(1);
        if let Err(faults) = Config::parse("t.toml", &text, &directory(), &environment()) {
            prop_assert!(!faults.is_empty());
            for fault in faults.iter() {
                prop_assert!(!fault.what.is_empty() && !fault.hint.is_empty(), "{fault:?}");
                if let segue::config::Place::File { line, .. } = fault.place {
                    prop_assert!(line <= lines + 1, "line {line} of {lines}: {fault:?}");
                }
            }
        }
    }

    #[test]
    fn any_variable_is_read_or_refused(path in "[A-Z_]{0,24}", value in "\\PC{0,24}") {
        let name = format!("SEGUE__{path}");
        let _ = parse("", &[(&name, &value)]);
        for name in ["SEGUE__QUEUES__SUPPORT__LADDER", "SEGUE__CHANNELS__WEB__ALLOWED_ORIGINS", "SEGUE__TRIAGE__EXPLICIT__EN"] {
            let _ = parse("[channels.web]\nkind = \"webchat\"\n", &[(name, &value)]);
        }
    }
}
