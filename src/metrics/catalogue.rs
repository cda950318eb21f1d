//! The catalogue: every family that Segue exports, with its kind, its labels and its HELP text.
//!
//! Dashboards and alerts depend on these names; a handle can be made only from a line of this file, and a test compares
//! a fresh scrape with it. Units stand in the name because the exporter matches buckets against the name alone.
//! [`FAMILIES`] is there from the first scrape; [`ON_SIGHT`] appears with the first scrape that is given its figure, so
//! that nothing is exported as a constant nobody measures. No label ever carries a conversation, a person or an address.

/// What kind of figure a family holds; for a histogram, also its buckets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket; these are the upper edges.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word in a TYPE line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One family: a name and what stands under it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Family {
    /// The full name, unit and `_total` included.
    pub name: &'static str,
    /// What kind of figure.
    pub kind: Kind,
    /// The names of its labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// The HELP text.
    pub help: &'static str,
}

/// Human waits, in seconds: every promise people make (20, 30, 60, 300) lies on an edge.
pub const HUMAN: &[f64] = &[
    1., 2., 5., 10., 15., 20., 30., 45., 60., 90., 120., 180., 300., 600., 900., 1800., 3600.,
    14_400., 86_400.,
];
/// Human waits by queue or by reason, in seconds: the promises alone, because there are many queues.
pub const WAIT: &[f64] = &[5., 15., 20., 30., 60., 120., 300., 900., 3600., 14_400.];
/// Latencies of our own, in seconds.
pub const LATENCY: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 5., 10.,
];
/// Calls to a model, in seconds (the edges that OpenTelemetry advises for them, from 80 ms on).
pub const MODEL: &[f64] = &[
    0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Sizes of a batch.
pub const BATCH: &[f64] = &[1., 2., 4., 8., 16., 32., 64., 128., 256., 512., 1024.];

macro_rules! families {
    ($(#[$doc:meta])* $list:ident: $($constant:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: Family = Family { name: $name, kind: $kind, labels: &[$($label),*], help: $help };)+
        $(#[$doc])*
        pub const $list: &[Family] = &[$($constant),+];
    };
}

use Kind::{Counter, Gauge, Histogram};

families! {
    /// What every scrape holds, from the first one on, with every combination of labels at zero.
    FAMILIES:
    OPENED = "segue_conversations_opened_total", Counter, ["channel"], "Episodes that began with the customer; those that our own staff began are not counted.";
    ELIGIBLE = "segue_conversations_eligible_total", Counter, ["channel"], "Episodes that began with the customer while the AI was on: the denominator of what the AI could have settled.";
    AI_INVOLVED = "segue_conversations_ai_involved_total", Counter, ["channel"], "Episodes in which the AI was asked at least once.";
    HANDED_OFF = "segue_conversations_handed_off_total", Counter, ["channel"], "Episodes whose first handoff was requested while the AI was on.";
    CONTAINED = "segue_conversations_contained_total", Counter, ["channel"], "Episodes in which the AI was asked and that ended without a handoff: with those handed off, all whose fate is known.";
    TAKEN_OVER = "segue_conversations_taken_over_total", Counter, ["channel", "kind"], "Conversations that a person took unasked, or took from another person.";
    CLOSED = "segue_conversations_closed_total", Counter, ["channel", "outcome"], "Episodes that ended, each with exactly one outcome.";
    REOPENED = "segue_conversations_reopened_total", Counter, ["channel"], "Closed conversations that the customer continued inside the reopen window.";
    CONVERSATIONS = "segue_conversations", Gauge, ["mode"], "Open conversations by who owns the next turn.";
    REQUESTED = "segue_handoffs_requested_total", Counter, ["channel", "reason", "attempt"], "Handoffs requested and committed.";
    SETTLED = "segue_handoffs_settled_total", Counter, ["channel", "outcome"], "Handoffs that ended, exactly once each: requested = settled + waiting.";
    HANDED_BACK = "segue_handoffs_handed_back_total", Counter, ["channel", "by"], "Ownership returned to the AI.";
    REESCALATED = "segue_handoffs_reescalated_total", Counter, ["channel"], "Handoffs requested within 30 minutes of a handback: the handback was too early.";
    PASSED_ON = "segue_handoffs_passed_on_total", Counter, ["channel"], "Of the handoffs requested, those that go on with a promise made before: passed on by a person, or lapsed.";
    TRANSFERRED = "segue_handoffs_transferred_total", Counter, ["channel"], "Conversations passed on to another queue or person after a claim.";
    REVIEWS = "segue_handoff_reviews_total", Counter, ["verdict"], "Verdicts of reviewers on handoffs.";
    TIME_TO_REQUEST = "segue_handoff_time_to_request_seconds", Histogram(HUMAN), ["channel"], "Episode opened to its first handoff requested.";
    ACK = "segue_handoff_ack_seconds", Histogram(LATENCY), ["channel"], "Handoff requested to its acknowledgement accepted by the provider.";
    CLAIM = "segue_handoff_claim_seconds", Histogram(HUMAN), ["channel"], "Handoff requested to claimed.";
    QUEUE_CLAIM = "segue_queue_claim_seconds", Histogram(WAIT), ["queue"], "Handoff requested to claimed, by the queue it was claimed in.";
    REASON_CLAIM = "segue_reason_claim_seconds", Histogram(WAIT), ["reason"], "Handoff requested to claimed, by its reason.";
    FIRST_RESPONSE = "segue_handoff_first_response_seconds", Histogram(HUMAN), ["channel"], "Handoff requested to the first message of a person.";
    HUMAN_REPLY = "segue_human_reply_seconds", Histogram(HUMAN), ["channel"], "Oldest unanswered customer message to the next message of a person.";
    HANDLE = "segue_handoff_handle_seconds", Histogram(HUMAN), ["channel"], "Claimed to handed back or lapsed: how long a person held the conversation.";
    ABANDON = "segue_handoff_abandon_seconds", Histogram(HUMAN), ["channel"], "Handoff requested to the customer leaving unclaimed.";
    SLA = "segue_sla_evaluations_total", Counter, ["channel", "clock", "result"], "Clocks of service levels stopped: met in time, or breached at the moment the deadline passed.";
    QUEUE_SLA = "segue_queue_sla_evaluations_total", Counter, ["queue", "clock", "result"], "Clocks of service levels stopped while a handoff waited or was with a person, by queue.";
    QUEUE_REQUESTED = "segue_queue_handoffs_requested_total", Counter, ["queue"], "Handoffs requested, by the queue they were first put into.";
    QUEUE_SETTLED = "segue_queue_handoffs_settled_total", Counter, ["queue", "outcome"], "Handoffs that ended, by the queue they were in.";
    GHOSTS = "segue_handoff_ghosts_total", Counter, ["channel", "cause"], "Handoffs that crossed their deadline without a word of a person.";
    GHOSTS_CURRENT = "segue_handoff_ghosts_current", Gauge, [], "Handoffs past their deadline without a word of a person, now.";
    LEASE_LAPSES = "segue_lease_lapses_total", Counter, ["channel"], "Persons who fell silent until they owned the conversation no more.";
    LADDER_STEPS = "segue_ladder_steps_total", Counter, ["channel", "action"], "Deadlines of waiting handoffs that passed without a claim, by what was done.";
    AFTER_HOURS = "segue_contacts_while_closed_total", Counter, ["channel"], "Customers told that nobody is there and when it opens, once for each gap between two openings.";
    OFFERS_MADE = "segue_offers_made_total", Counter, ["channel"], "Customers asked whether they want a person.";
    OFFERS_ANSWERED = "segue_offers_answered_total", Counter, ["channel", "answer"], "What they answered.";
    WITHOUT_DEADLINE = "segue_waiting_without_deadline", Gauge, [], "Waiting handoffs that no clock watches, as the last audit found. Must be 0.";
    QUEUE_WAITING = "segue_queue_waiting", Gauge, ["queue"], "Handoffs waiting in a queue.";
    QUEUE_OLDEST = "segue_queue_oldest_wait_seconds", Gauge, ["queue"], "How long the oldest waiting handoff has waited; 0 when none waits.";
    QUEUE_OPEN = "segue_queue_open", Gauge, ["queue"], "1 while a queue is open by its calendar or has none, 0 while it is closed.";
    AGENTS = "segue_agents", Gauge, ["queue", "state"], "Agents, leads and admins who may see a queue, by how they are; away after a minute without a sign of life, and reading is none.";
    AGENT_OFFERS_MADE = "segue_agent_offers_made_total", Counter, ["queue"], "Waiting handoffs offered to one person.";
    AGENT_OFFERS_SETTLED = "segue_agent_offers_settled_total", Counter, ["queue", "outcome"], "How such offers ended: accepted, taken by another person, lapsed, or void because the wait ended.";
    AI_REQUEST = "segue_ai_request_seconds", Histogram(MODEL), ["provider", "model", "outcome"], "Questions put to a model, by how they ended.";
    AI_FIRST_CHUNK = "segue_ai_first_chunk_seconds", Histogram(MODEL), ["provider", "model"], "Question put to the first piece of its answer; streaming calls only.";
    AI_TOKENS = "segue_ai_tokens_total", Counter, ["provider", "model", "kind"], "Billable tokens; input includes cached.";
    AI_CACHED = "segue_ai_cached_tokens_total", Counter, ["provider", "model"], "Of the input tokens, those that the provider had cached.";
    AI_COST = "segue_ai_cost_usd_micros_total", Counter, ["provider", "model"], "What the model cost, in millionths of a US dollar.";
    AI_INFLIGHT = "segue_ai_requests_inflight", Gauge, ["provider"], "Questions under way.";
    AI_FALLBACKS = "segue_ai_fallbacks_total", Counter, ["cause"], "Turns that the AI could not answer.";
    AI_SUPPRESSED = "segue_ai_replies_suppressed_total", Counter, ["cause"], "Answers of the AI dropped because something overtook them.";
    DUAL_REPLIES = "segue_dual_replies_total", Counter, [], "Answers of the AI released while a person owned the conversation. Must stay 0.";
    AI_OFF = "segue_ai_switched_off", Gauge, ["scope"], "Where the AI is switched off: 1 for everywhere, else how many channels and queues.";
    INBOUND = "segue_messages_inbound_total", Counter, ["channel", "kind"], "Messages and reports accepted from channels.";
    MESSAGES_PEAK = "segue_messages_peak_per_second", Gauge, [], "The most messages of customers that were accepted within one second, over the last minute.";
    OUTBOUND = "segue_messages_outbound_total", Counter, ["channel", "sender"], "Messages accepted by the provider.";
    DELIVERED = "segue_messages_delivered_total", Counter, ["channel"], "Receipts that a message is on the customer's device.";
    READ = "segue_messages_read_total", Counter, ["channel"], "Receipts that the customer opened a message.";
    SUPPRESSED = "segue_messages_suppressed_total", Counter, ["class"], "Messages held back for good, because what they rested on had changed.";
    IN_DOUBT = "segue_sends_in_doubt_total", Counter, ["channel", "outcome"], "Messages whose delivery nobody knows, by what was done: repeated once, given up, or a stream cut off.";
    DUPLICATES = "segue_inbound_duplicates_total", Counter, ["channel"], "Redelivered messages dropped.";
    WEBHOOKS_REJECTED = "segue_webhooks_rejected_total", Counter, ["channel", "cause"], "Webhooks refused at the door.";
    RATE_LIMITED = "segue_rate_limited_total", Counter, ["limit"], "Requests and messages refused because one party came too often.";
    INGRESS = "segue_ingress_seconds", Histogram(LATENCY), ["channel"], "Webhook received to durably accepted.";
    DELIVERY = "segue_delivery_seconds", Histogram(LATENCY), ["channel"], "One attempt to deliver a message.";
    DELIVERY_RETRIES = "segue_delivery_retries_total", Counter, ["channel"], "Attempts to deliver after the first.";
    DELIVERY_FAILURES = "segue_delivery_failures_total", Counter, ["channel", "cause"], "Messages given up.";
    CIRCUITS = "segue_circuits", Gauge, ["state"], "Hosts of providers to which calls are held back, or tried one at a time.";
    CIRCUIT_OPENS = "segue_circuit_opens_total", Counter, [], "Times that calls to a host began to be held back.";
    CHAT_SOCKETS = "segue_chat_sockets", Gauge, [], "Open connections of the web chat.";
    ACTORS_RESIDENT = "segue_actors_resident", Gauge, [], "Conversations in memory.";
    ACTORS_ACTIVATED = "segue_actors_activated_total", Counter, ["source"], "Conversations brought into memory.";
    ACTORS_PASSIVATED = "segue_actors_passivated_total", Counter, ["cause"], "Conversations that left memory.";
    ACTOR_ACTIVATION = "segue_actor_activation_seconds", Histogram(LATENCY), ["source"], "Bringing a conversation into memory.";
    ACTOR_TURN = "segue_actor_turn_seconds", Histogram(LATENCY), [], "Deciding one event.";
    ACTOR_PANICS = "segue_actor_panics_total", Counter, [], "Events whose deciding panicked.";
    MAILBOX_WAIT = "segue_mailbox_wait_seconds", Histogram(LATENCY), [], "An event's time in its conversation's mailbox.";
    MAILBOX_QUEUED = "segue_mailbox_queued", Gauge, [], "Events waiting in mailboxes.";
    MAILBOX_DEPTH_MAX = "segue_mailbox_depth_max", Gauge, [], "Events in the fullest mailbox.";
    MAILBOX_REJECTED = "segue_mailbox_rejected_total", Counter, ["cause"], "Events refused before a mailbox.";
    PERMITS = "segue_admission_permits", Gauge, ["state"], "Places for events under way.";
    ADMISSION_WAITING = "segue_admission_waiting", Gauge, [], "Requests waiting for a place.";
    LATENESS = "segue_deadline_lateness_seconds", Histogram(LATENCY), [], "A conversation's deadline to its being decided.";
    EVENTS_PARKED = "segue_events_parked_total", Counter, ["cause"], "Events and webhooks parked for people because they could not be handled.";
    PARKED = "segue_parked_events", Gauge, [], "Events and webhooks parked for people, now.";
    PARKED_OLDEST = "segue_parked_oldest_age_seconds", Gauge, [], "Age of the oldest of them; 0 when none is.";
    COMMIT = "segue_commit_seconds", Histogram(LATENCY), [], "Writing one group of turns and syncing it to disk.";
    COMMIT_BATCH = "segue_commit_batch_events", Histogram(BATCH), [], "Turns in one group.";
    COMMIT_ERRORS = "segue_commit_errors_total", Counter, ["cause"], "Groups that could not be committed.";
    JOURNAL_PENDING = "segue_journal_pending_events", Gauge, [], "Turns accepted and not yet durable.";
    JOURNAL_BYTES = "segue_journal_bytes", Gauge, [], "Size of the journal on disk.";
    TAIL_BYTES = "segue_tail_bytes", Gauge, [], "Durable turns not yet applied to the state file, held in memory.";
    STATE_BYTES = "segue_state_bytes", Gauge, [], "Size of the state file on disk.";
    STATE_LAG_TURNS = "segue_state_lag_turns", Gauge, [], "Durable turns not yet applied to the state file.";
    STATE_LAG_SECONDS = "segue_state_lag_seconds", Gauge, [], "Age of the oldest of them; 0 when none is.";
    RECOVERY_SECONDS = "segue_recovery_seconds", Gauge, [], "How long the last start took to recover.";
    RECOVERY_EVENTS = "segue_recovery_events", Gauge, [], "Turns that the last start applied anew.";
    RECOVERY_CONVERSATIONS = "segue_recovery_conversations", Gauge, [], "Conversations that the last start woke.";
    RECOVERY_PARKED = "segue_recovery_parked_conversations", Gauge, [], "Open conversations that the last start could not read: what comes for them is parked for people.";
    RELOADS = "segue_reloads_total", Counter, ["what", "result"], "Changed configurations and knowledge: put in force, or refused because of faults.";
    CLOCK_STEPS = "segue_clock_steps_total", Counter, [], "Steps of the system's clock by more than five seconds.";
    LOG_LINES = "segue_log_lines_total", Counter, ["level"], "Lines logged as errors and warnings.";
    SPANS_EXPORTED = "segue_spans_exported_total", Counter, [], "Spans that the collector took; 0 while nothing is exported.";
    SPANS_LOST = "segue_spans_lost_total", Counter, ["cause"], "Spans that should have been exported and were lost.";
    READY = "segue_ready", Gauge, [], "1 when the process takes work, else 0.";
    BUILD_INFO = "segue_build_info", Gauge, ["version", "commit"], "Always 1; the labels say which build runs.";
    LABEL_OVERFLOWS = "segue_label_overflows_total", Counter, [], "Values outside their bounded set of labels, folded to other.";
}

families! {
    /// What a scrape holds once its figure was given for the first time.
    ON_SIGHT:
    LEDGER_IMBALANCE = "segue_handoff_ledger_imbalance", Gauge, [], "Handoffs requested less settled less waiting, since the start; 0 always.";
    AGENT_SLOTS = "segue_agent_slots", Gauge, ["queue", "state"], "Conversations with people, and how many more those who are there can hold; who serves several queues is free in each.";
    OUTBOX_DEPTH = "segue_outbox_depth", Gauge, ["channel"], "Messages owed and not yet accepted by the provider.";
    OUTBOX_OLDEST = "segue_outbox_oldest_age_seconds", Gauge, ["channel"], "Age of the oldest message owed; 0 when none is.";
    OUTBOX_IN_DOUBT = "segue_outbox_in_doubt", Gauge, ["channel"], "Messages owed that may or may not have arrived.";
    OUTBOX_PARKED = "segue_outbox_parked", Gauge, ["channel"], "Replies of people that wait for the channel's shut window to open; beside what is owed.";
    DISK_FREE = "segue_disk_free_bytes", Gauge, [], "Room left on the disk of the data directory.";
    TOKIO_BUSY = "tokio_busy_ratio", Gauge, [], "Share of the last seconds that the runtime's workers were busy, from 0 to 1.";
    TOKIO_QUEUE = "tokio_global_queue_depth", Gauge, [], "Tasks waiting in the runtime's global queue.";
    TOKIO_TASKS = "tokio_live_tasks", Gauge, [], "Tasks that live in the runtime.";
    TOKIO_WORKERS = "tokio_workers", Gauge, [], "Threads that run tasks.";
}

families! {
    /// What is read from the system at each scrape, where the system tells (Linux). Written by `process.rs`, not by the
    /// exporter: its counters are whole numbers, and CPU seconds are not.
    PROCESS:
    CPU_SECONDS = "process_cpu_seconds_total", Counter, [], "User and system CPU time spent.";
    RESIDENT_MEMORY = "process_resident_memory_bytes", Gauge, [], "Resident memory.";
    START_TIME = "process_start_time_seconds", Gauge, [], "Start of the process, in seconds since the Unix epoch.";
    OPEN_FDS = "process_open_fds", Gauge, [], "Open file descriptors.";
}
