//! `segue serve`: starts, says where to look, runs until told to stop, stops in good order.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{complain, say};
use crate::app::App;
use crate::config::{ChannelKind, Config, Environment, LogFormat, default_path};
use crate::conversation::words::Role;
use crate::http::listen::CONNECTIONS_MAX;
use crate::metrics::Complaints;
use crate::trace::export::{self, Export};

/// What can be said on the command line; it wins over the file and the environment.
#[derive(Args, Debug)]
pub struct ServeArguments {
    /// The configuration; `./segue.toml` if there is one, else the demonstration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where conversations are kept.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where customers, agents and providers knock.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where figures and health are: never on the internet.
    #[arg(long, value_name = "ADDR")]
    ops_listen: Option<SocketAddr>,
}

/// Open files that suffice: every connection of the public listener, and room for the store, providers and operations.
const FILES_WANTED: u64 = CONNECTIONS_MAX as u64 + 1_024;

/// Runs until SIGTERM or SIGINT; SIGHUP reads the configuration and the knowledge again.
pub fn run(arguments: &ServeArguments) -> ExitCode {
    let path = arguments.config.clone().or_else(default_path);
    let mut config = match Config::load(path.as_deref(), &Environment::of_process()) {
        Ok(config) => config,
        Err(faults) => {
            complain(
                &faults.to_string(),
                "`segue check` shows the same without starting anything",
            );
            return ExitCode::from(2);
        }
    };
    if let Some(data) = &arguments.data {
        config.storage.data_dir.clone_from(data);
    }
    config.server.listen = arguments.listen.unwrap_or(config.server.listen);
    config.server.ops_listen = arguments.ops_listen.unwrap_or(config.server.ops_listen);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(fault) => {
            complain(&format!("no threads could be started: {fault}"), "");
            return ExitCode::FAILURE;
        }
    };
    let export = watch(&config, runtime.handle());
    let code = runtime.block_on(serve(config, path));
    // After the last event, while the runtime still carries what is exported.
    if let Some(export) = export {
        export.stop();
    }
    code
}

/// Raises how many files may be open to what the system allows, and says so if that is too few.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    let raised = setrlimit(Resource::Nofile, limit);
    // None: no limit.
    let open_max = if raised.is_ok() { limit.maximum } else { soft };
    if let Some(open_max) = open_max.filter(|max| *max < FILES_WANTED) {
        tracing::warn!(
            open_max,
            wanted = FILES_WANTED,
            "fewer files may be open than there may be connections: callers will be refused before the limit on \
             connections is reached; raise it with `ulimit -n` or LimitNOFILE="
        );
    }
}

async fn serve(config: Config, path: Option<PathBuf>) -> ExitCode {
    raise_file_limit();
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    // Before anything is started: a stop that comes at once must be a stop in good order.
    let (Ok(mut term), Ok(mut int), Ok(hangup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        complain("signals cannot be received", "");
        return ExitCode::FAILURE;
    };
    let mut app = match App::start(config.clone()).await {
        Ok(app) => app,
        Err(fault) => {
            complain(&fault.to_string(), "");
            return ExitCode::FAILURE;
        }
    };
    welcome(&app, &config, path.is_none());
    // What is told above goes to the terminal; whoever reads the log at night looks for where a life of it began.
    let found = app.recovered();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        turns = found.records,
        conversations = found.conversations_in_tail,
        opened_after_ms = u64::try_from(found.took.as_millis()).unwrap_or(u64::MAX),
        "started"
    );
    app.follow(path, hangup);
    let healthy = tokio::select! {
        _ = term.recv() => true,
        _ = int.recv() => true,
        () = app.broken() => false,
    };
    if healthy {
        tracing::info!("stopping");
        app.stop().await;
        ExitCode::SUCCESS
    } else {
        complain(
            "the disk failed",
            "check the disk, then start again: everything acknowledged is on it",
        );
        ExitCode::FAILURE
    }
}

/// Says where to look and how to sign in.
fn welcome(app: &App, config: &Config, demonstration: bool) {
    let public = app.public_address();
    let mut told = String::new();
    let _ = writeln!(told, "Segue is ready.");
    let _ = writeln!(
        told,
        "  web chat      http://{public}/chat          (or: segue chat --url http://{public})"
    );
    let _ = writeln!(told, "  agent inbox   http://{public}/inbox");
    let _ = writeln!(told, "  agent API     http://{public}/api/v1/openapi.json");
    let _ = writeln!(
        told,
        "  operations    http://{}/status   /metrics /healthz /readyz",
        app.ops_address()
    );
    let _ = writeln!(
        told,
        "  data          {}",
        config.storage.data_dir.display()
    );
    if demonstration {
        let token = app.doors().desk.grant("demo", Role::Admin);
        let token = token
            .as_ref()
            .map_or("(none: see the log)", |token| token.reveal());
        told.push('\n');
        let _ = writeln!(
            told,
            "  This is the demonstration: offline answers from a bundled sample shop."
        );
        let _ = writeln!(
            told,
            "  Sign in as agent `demo` with this token, valid until Segue stops:"
        );
        let _ = writeln!(told, "      {token}");
        let _ = writeln!(
            told,
            "  Who waits:    curl -H 'Authorization: Bearer {token}' 'http://{public}/api/v1/conversations?mode=waiting'"
        );
    } else {
        let _ = writeln!(
            told,
            "  sign in       segue agent add NAME --role agent --data {}",
            config.storage.data_dir.display()
        );
    }
    for (name, section) in &config.channels {
        match &section.kind {
            ChannelKind::Twilio(_) => {
                let url = &app.doors().limits.public_url;
                let _ = writeln!(
                    told,
                    "  twilio        {name}: set the incoming-message webhook to (the part after # makes Twilio repeat failed deliveries)"
                );
                let _ = writeln!(
                    told,
                    "                {url}/webhooks/{name}#rc=5&rp=all&ct=2000&rt=10000"
                );
            }
            ChannelKind::Http(_) => {
                let _ = writeln!(
                    told,
                    "  http          {name}: POST http://{public}/api/v1/messages"
                );
            }
            ChannelKind::Webchat(_) => {}
        }
    }
    // Whoever does not read this is served all the same.
    let _unread = say(&told);
}

/// Begins to log, and to export spans where that is configured. That it cannot be is no reason not to serve.
fn watch(config: &Config, runtime: &tokio::runtime::Handle) -> Option<Export> {
    let tracing = &config.tracing;
    let begun = tracing.otlp_endpoint.as_ref().map(|endpoint| {
        crate::channel::carrier::install_crypto();
        let settings = export::Settings {
            endpoint: endpoint.clone(),
            headers: tracing.headers.clone(),
            sample_ratio: tracing.sample_ratio,
            service_name: tracing.service_name.clone(),
            continue_inbound: tracing.continue_inbound,
        };
        Export::begin(&settings, runtime.clone())
    });
    crate::trace::log::begin(
        config.log.format == LogFormat::Json,
        config.log.level.as_str(),
        // What the status page shows.
        vec![Box::new(Complaints::of_process())],
    );
    match begun? {
        Ok(export) => {
            tracing::info!(endpoint = tracing.otlp_endpoint, "spans are exported");
            Some(export)
        }
        Err(fault) => {
            tracing::error!(%fault, "spans are not exported");
            None
        }
    }
}
