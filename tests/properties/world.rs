//! One random history: numbers become events, and every decision is held against the laws.

use std::sync::LazyLock;
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::decision::Perform;
use segue::conversation::event::{Act, Edit, Event};
use segue::conversation::message::{
    Attempt, Body, Customer, FailureCause, Inbound, Medium, Report, ReportState, Retry,
};
use segue::conversation::policy::{
    Burst, ChannelPolicy, LoopBreaker, OnLapse, PhraseRule, Phrases, Policy, QueuePolicy, Rung,
    RungAction,
};
use segue::conversation::question::{ModelAnswer, ModelFailure, ModelVerdict};
use segue::conversation::trail::{Entry, Fact, Usage};
use segue::conversation::words::{HandbackPolicy, ModelFault, Reason, Role, Settlement, Verdict};
use segue::ids::{AskId, ConversationId, EffectId, HandoffId, IdHash, OwnerEpoch};

use crate::laws::Laws;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Each house twice: with the AI on, and off.
static HOUSES: LazyLock<Vec<[Policy; 2]>> = LazyLock::new(|| {
    let rungs = |list: &[(u64, RungAction)]| -> Vec<Rung> {
        let rung = |(after, action): &(u64, RungAction)| Rung {
            after: secs(*after),
            action: action.clone(),
        };
        list.iter().map(rung).collect()
    };
    let at_once = Burst {
        quiet: secs(0),
        max: secs(0),
    };
    let house = |medium, burst: Burst, support: QueuePolicy, second: QueuePolicy| {
        let mut policy = Policy::default();
        let mut web = ChannelPolicy::of(medium, "support".into());
        web.burst = burst;
        if medium == Medium::Whatsapp && burst == at_once {
            // as WhatsApp, but shut often
            web.reply_window = Some(secs(240));
            web.windows.parked_for = Some(secs(600));
        }
        policy.channels.insert("web".into(), web);
        policy.queues.insert("support".into(), support);
        policy.queues.insert("second".into(), second);
        policy.phrases = few_phrases();
        let on = policy.sealed();
        let mut off = on.clone();
        off.switches.all = false;
        [on, off]
    };
    let short = Burst {
        quiet: secs(2),
        max: secs(6),
    };
    let plain = QueuePolicy::default();
    let circle = QueuePolicy {
        ladder: rungs(&[(60, RungAction::Transfer("support".into()))]),
        claim_within: secs(30),
        ..plain.clone()
    };
    let company = QueuePolicy {
        ai_while_waiting: true,
        ladder: rungs(&[
            (30, RungAction::Reassign),
            (60, RungAction::Transfer("second".into())),
        ]),
        agent_silence: secs(120),
        answer_within: secs(30),
        ..plain.clone()
    };
    let follow = QueuePolicy {
        handback_policy: HandbackPolicy::Never,
        on_lapse: OnLapse::HandBack,
        agent_silence: secs(60),
        ..plain.clone()
    };
    let timer = QueuePolicy {
        handback_policy: HandbackPolicy::SignalOrTimer,
        on_lapse: OnLapse::HandBack,
        ai_while_waiting: true,
        agent_silence: secs(90),
        resolve_within: Some(secs(600)),
        loop_breaker: Some(LoopBreaker {
            handoffs: 3,
            within: secs(3_600),
        }),
        ..plain.clone()
    };
    let hasty = QueuePolicy {
        handback_policy: HandbackPolicy::AskAfterSilence,
        on_lapse: OnLapse::Requeue,
        claim_within: secs(20),
        first_response_within: secs(25),
        next_response_within: secs(10),
        resolve_within: Some(secs(120)),
        ladder: rungs(&[(10, RungAction::Notify), (30, RungAction::Apologise)]),
        agent_silence: secs(20),
        answer_within: secs(10),
        lease: secs(15),
        idle_close: secs(300),
        reopen_within: secs(600),
        ..plain.clone()
    };
    let closing = QueuePolicy {
        on_lapse: OnLapse::Close,
        customer_may_end: false,
        agent_silence: secs(40),
        answer_within: secs(20),
        ..plain.clone()
    };
    vec![
        house(Medium::Http, at_once, plain.clone(), circle.clone()),
        house(Medium::Webchat, short, company.clone(), circle.clone()),
        house(Medium::Whatsapp, short, follow, hasty.clone()),
        house(Medium::Http, short, timer.clone(), closing.clone()),
        house(Medium::Webchat, at_once, hasty.clone(), company),
        house(Medium::Whatsapp, at_once, closing, timer),
        house(Medium::Voice, at_once, plain, hasty),
    ]
});

/// A few phrases do, and are quicker: what the bundled ones catch is tested where they live.
fn few_phrases() -> Phrases {
    let rules = |list: &[&str]| -> Vec<PhraseRule> {
        let rule = |phrase: &&str| PhraseRule {
            language: "en".to_owned(),
            phrase: (*phrase).to_owned(),
        };
        list.iter().map(rule).collect()
    };
    Phrases {
        wants_person: rules(&["talk to a human", "human"]),
        ends_human: rules(&["/end"]),
        not_wants: Vec::new(),
        yes: Vec::new(),
        no: Vec::new(),
        ..Phrases::default()
    }
}

/// The word under which a fact is counted.
pub fn kind(fact: &Fact) -> String {
    match fact {
        Fact::Claimed { from: Some(_), .. } => "claimed by force",
        Fact::Claimed { .. } => "claimed",
        Fact::Transferred { .. } => "transferred",
        Fact::HandedBack { .. } => "handed back",
        Fact::LeaseLapsed { .. } => "lapsed",
        Fact::LadderStepped { .. } => "ladder",
        Fact::HandoffSettled { outcome, .. } => match outcome {
            Settlement::Claimed => "answered",
            Settlement::Abandoned
            | Settlement::TimedOut
            | Settlement::Cancelled
            | Settlement::Failed => outcome.as_str(),
        },
        Fact::Settled { code, .. } if code == "parked_expired" => "reply given up",
        Fact::Settled { code, .. } if code == "window_open" => "reply unparked",
        Fact::Settled { state, .. } => state.as_str(),
        Fact::DraftKept { .. } => "draft",
        Fact::AiWrote { partial: true, .. } => "cut off",
        Fact::AiWrote { .. } => "ai wrote",
        Fact::HumanWrote { .. } => "human wrote",
        Fact::AskedIfDone { .. } => "asked if done",
        Fact::EventParked { .. } => "event parked",
        Fact::Closed { .. } => "closed as",
        _ => "other",
    }
    .replace("closed as", "closed ")
    .trim()
    .to_owned()
}

pub struct World {
    pub conversation: Conversation,
    pub trail: Vec<Entry>,
    /// The last step, for people; only while somebody wants to know.
    pub told: String,
    pub tells: bool,
    house: usize,
    off: usize,
    medium: Medium,
    now: Timestamp,
    laws: Laws,
    inbound: Vec<String>,
    sent: Vec<EffectId>,
    asks: Vec<AskId>,
    unsettled: Option<EffectId>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let houses = HOUSES.len() as u64;
        let house = usize::try_from(seed % houses).expect("small");
        let medium = HOUSES[house][0].channels[&"web".into()].medium;
        let customer = customer();
        let id = ConversationId::derive(&[7; 32], "web", &customer.address);
        let (web, support) = ("web".into(), "support".into());
        let conversation = Conversation::new(id, web, medium, customer, String::new(), support);
        Self {
            laws: Laws::new(&conversation),
            conversation,
            trail: Vec::new(),
            told: String::new(),
            tells: false,
            house,
            off: 0,
            medium,
            now: Timestamp::from_millis(1_767_603_600_000),
            inbound: Vec::new(),
            sent: Vec::new(),
            asks: Vec::new(),
            unsettled: None,
        }
    }

    fn policy(&self) -> &'static Policy {
        &HOUSES[self.house][self.off]
    }

    /// One step; an `Err` is a broken law.
    pub fn step(&mut self, number: u64) -> Result<(), String> {
        let mut pick = Pick(number);
        match pick.of(100) {
            0..=13 => self.customer(&mut pick),
            14..=15 => self.customer_again(&mut pick),
            16..=40 => self.person(&mut pick),
            41..=52 => self.model(&mut pick),
            53..=69 => self.settle(&mut pick),
            70..=75 => self.report(&mut pick),
            76..=83 => self.ring(),
            84..=91 => self.let_pass(&mut pick),
            92..=94 => self.crash(),
            95 => {
                self.off = 1 - self.off;
                self.told = "the AI is switched on or off".to_owned();
                Ok(())
            }
            96 => {
                let event = "something".to_owned();
                self.decide(Event::Faulted { event, parked: 1 })
            }
            97 => {
                let effect = self.some_effect(&mut pick);
                self.decide(Event::SendSuppressed { effect })
            }
            98 => {
                let ask = self.some_ask(&mut pick);
                let emitted = ["", "Half a sen"][pick.at(2)].to_owned();
                self.decide(Event::StreamStopped { ask, emitted })
            }
            _ => self.decide(Event::DeadlinePassed),
        }
    }

    /// Decides, twice: as it is, and as it would be had it been to disk and back.
    pub fn decide(&mut self, event: Event) -> Result<(), String> {
        let policy = self.policy();
        let before = self.conversation.encode();
        let mut copy = Conversation::decode(&before).map_err(|fault| fault.to_string())?;
        self.restore(&mut copy);
        if copy != self.conversation {
            return Err("snapshot round trip: what was read is not what was written".into());
        }
        let decision = self.conversation.decide(event.clone(), self.now, policy);
        let twin = copy.decide(event.clone(), self.now, policy);
        let after = self.conversation.encode();
        if twin != decision || copy.encode() != after {
            return Err("snapshot round trip: the copy decides otherwise".into());
        }
        if self.tells {
            let facts = decision.entries.iter().map(|entry| &entry.fact);
            let facts: String = facts.map(|fact| format!("\n         {fact:?}")).collect();
            let (answer, perform) = (&decision.answer, &decision.perform);
            self.told = format!(
                "{:?} {event:?}\n      => {answer:?}{facts}\n         {perform:?}",
                self.now
            );
        }
        let c = &self.conversation;
        self.laws
            .check(&event, &decision, c, (&before, &after), self.now, policy)?;
        self.trail.extend(decision.entries);
        for perform in decision.perform {
            match perform {
                Perform::Send(effect) => {
                    self.sent.push(effect);
                    self.unsettled = Some(effect);
                }
                Perform::Ask { ask, .. } => self.asks.push(ask),
            }
        }
        Ok(())
    }

    fn restore(&self, to: &mut Conversation) {
        let owed = to.owed_entries();
        let texts = owed.iter().filter_map(|n| {
            let place = usize::try_from(*n).ok()?;
            self.trail.get(place).cloned()
        });
        let texts: Vec<_> = texts.collect();
        to.restore_texts(texts);
    }

    fn customer(&mut self, pick: &mut Pick) -> Result<(), String> {
        let text = [
            "hello",
            "what does it cost?",
            "let me talk to a human",
            "human",
            "/end",
            "and then?",
            "",
        ][pick.at(7)];
        let id = format!("in{}", self.inbound.len());
        self.inbound.push(id.clone());
        self.wrote(id, text, false)
    }

    fn customer_again(&mut self, pick: &mut Pick) -> Result<(), String> {
        if self.inbound.is_empty() {
            return Ok(());
        }
        let place = pick.at(self.inbound.len());
        let forgotten = self.inbound.len() - place > segue::conversation::SEEN_MAX;
        let id = self.inbound[place].clone();
        self.wrote(id, "once more", forgotten)
    }

    pub fn wrote(&mut self, id: String, text: &str, seen_before: bool) -> Result<(), String> {
        let inbound = Inbound {
            channel: "web".into(),
            medium: self.medium,
            from: customer(),
            to: String::new(),
            id,
            sent_at: None,
            body: Body::Text(text.to_owned()),
        };
        self.decide(Event::CustomerWrote {
            inbound,
            seen_before,
        })
    }

    fn person(&mut self, pick: &mut Pick) -> Result<(), String> {
        // whoever has it acts more often than the others
        let owner = self.conversation.assignee().cloned();
        let (agent, role) = match (pick.of(8), owner) {
            (0..=3, Some(owner)) => {
                let leads = owner.as_str() == "Lea";
                (owner, if leads { Role::Lead } else { Role::Agent })
            }
            (4, _) => ("Lea".into(), Role::Lead),
            (5, _) => ("Olaf".into(), Role::Observer),
            (0 | 6, _) => ("Ben".into(), Role::Agent),
            _ => ("Ana".into(), Role::Agent),
        };
        let act = self.act(pick);
        let key = (pick.of(6) == 0).then(|| {
            let body = format!("{act:?}");
            (IdHash(pick.of(5)), IdHash::of(&body))
        });
        self.decide(Event::Acted {
            agent,
            role,
            act,
            key,
        })
    }

    fn act(&self, pick: &mut Pick) -> Act {
        let epoch = self.conversation.common().epoch;
        match pick.of(25) {
            0..=4 => Act::Claim {
                force: pick.of(3) == 0,
            },
            5 => Act::TakeOver {
                force: pick.of(2) == 0,
            },
            6..=11 => Act::Reply {
                text: ["Here you are.", "", "Let me see.", "Yes."][pick.at(4)].to_owned(),
                epoch: [
                    None,
                    None,
                    Some(epoch),
                    Some(OwnerEpoch(epoch.0.saturating_sub(1))),
                ][pick.at(4)],
            },
            12 => Act::Note {
                text: "a note".to_owned(),
            },
            13 => [Act::Typing, Act::Viewing, Act::Keep][pick.at(3)].clone(),
            14 => Act::Transfer {
                queue: [None, Some("second".into()), Some("nowhere".into())][pick.at(3)].clone(),
                to: [None, Some("Ben".into())][pick.at(2)].clone(),
            },
            15..=17 => Act::HandBack {
                note: ["done", "done", ""][pick.at(3)].to_owned(),
                seen: [None, Some(self.trail.len() as u64), Some(0)][pick.at(3)],
            },
            18 => Act::Resolve {
                outcome: None,
                note: String::new(),
            },
            19..=20 => Act::Escalate {
                queue: [None, Some("second".into()), Some("nowhere".into())][pick.at(3)].clone(),
            },
            21 => Act::Review {
                handoff: [None, Some(HandoffId(1)), Some(HandoffId(999))][pick.at(3)],
                verdict: Verdict::Justified,
            },
            22 => Act::Edit(Edit {
                tags: Some(vec!["vip".to_owned()]),
                attributes: vec![(
                    "k".to_owned(),
                    [None, Some("v".to_owned())][pick.at(2)].clone(),
                )],
                priority: Some(3),
                ..Edit::default()
            }),
            23 => Act::Undo {
                effect: self.some_effect(pick),
            },
            _ => Act::Snooze {
                until: [
                    None,
                    Some(self.now + Duration::from_hours(1)),
                    Some(self.now),
                ][pick.at(3)],
            },
        }
    }

    fn model(&mut self, pick: &mut Pick) -> Result<(), String> {
        let ask = self.some_ask(pick);
        let usage = Usage::default();
        let event = match pick.of(8) {
            0 => Event::ModelFailed {
                ask,
                failure: ModelFailure {
                    fault: ModelFault::ALL[pick.at(ModelFault::ALL.len())],
                    took_ms: 5,
                    partial: ["", "Half"][pick.at(2)].to_owned(),
                    usage,
                    detail: String::new(),
                },
            },
            kind => {
                let (text, verdict) = match kind {
                    1 => {
                        let (reason, summary) = (Reason::LowConfidence, "not sure".to_owned());
                        ("", ModelVerdict::Escalate { reason, summary })
                    }
                    2 => ("", ModelVerdict::Reply),
                    _ => ("It costs forty.", ModelVerdict::Reply),
                };
                Event::ModelAnswered {
                    ask,
                    answer: ModelAnswer {
                        text: text.to_owned(),
                        verdict,
                        model: "sample".to_owned(),
                        usage,
                        took_ms: 5,
                        tools: Vec::new(),
                        sources: Vec::new(),
                        confidence: None,
                        grounds: None,
                    },
                }
            }
        };
        self.decide(event)
    }

    fn settle(&mut self, pick: &mut Pick) -> Result<(), String> {
        let effect = match (pick.of(8), self.unsettled) {
            (0..=6, Some(effect)) => effect,
            _ => self.some_effect(pick),
        };
        let refused = |cause, retry| Attempt::Rejected {
            code: "503".to_owned(),
            cause,
            retry,
        };
        let rejected = |retry| refused(FailureCause::ProviderError, retry);
        let attempt = match pick.of(17) {
            0..=10 => Attempt::Accepted {
                provider_id: "SM1".to_owned(),
            },
            11 => Attempt::Unknown {
                detail: String::new(),
            },
            12 => rejected(Retry::Soon),
            13 => rejected(Retry::After(700_000)),
            14 => rejected(Retry::StopForThisCustomer),
            15 => refused(FailureCause::WindowClosed, Retry::Never),
            _ => rejected(Retry::Never),
        };
        self.unsettled = None;
        self.decide(Event::SendSettled { effect, attempt })
    }

    fn report(&mut self, pick: &mut Pick) -> Result<(), String> {
        let effect = self.some_effect(pick);
        let (state, failure) = [
            (ReportState::Sent, None),
            (ReportState::Delivered, None),
            (ReportState::Read, None),
            (ReportState::Failed, Some(FailureCause::ProviderError)),
            (ReportState::Failed, Some(FailureCause::Blocked)),
            (ReportState::Failed, Some(FailureCause::WindowClosed)),
        ][pick.at(6)];
        let conversation = self.conversation.common().id;
        self.decide(Event::Reported(Report {
            effect: Some((conversation, effect)),
            provider_id: "SM1".to_owned(),
            state,
            code: None,
            failure,
        }))
    }

    /// Exactly when something is due.
    fn ring(&mut self) -> Result<(), String> {
        if let Some(due) = self.conversation.due() {
            self.now = self.now.max(due);
        }
        self.decide(Event::DeadlinePassed)
    }

    /// Time passes, and nobody has rung yet.
    fn let_pass(&mut self, pick: &mut Pick) -> Result<(), String> {
        let longest = [2, 2, 20, 60, 900, 260_000][pick.at(6)];
        self.now = self.now + Duration::from_millis(pick.of(longest * 1_000));
        self.told = "time passes".to_owned();
        Ok(())
    }

    fn crash(&mut self) -> Result<(), String> {
        let bytes = self.conversation.encode();
        let mut woken = Conversation::decode(&bytes).map_err(|fault| fault.to_string())?;
        self.restore(&mut woken);
        self.conversation = woken;
        self.unsettled = None;
        self.decide(Event::Revived { began_at: self.now })
    }

    fn some_effect(&self, pick: &mut Pick) -> EffectId {
        match self.sent.len() {
            0 => EffectId(1),
            // one that waits its turn, now and then
            _ if pick.of(5) == 0 => {
                let owed = self.conversation.common().outbox.owed().last();
                owed.map_or(EffectId(1), |owed| owed.effect)
            }
            sent => self.sent[sent - 1 - pick.at(sent.min(4))],
        }
    }

    fn some_ask(&self, pick: &mut Pick) -> AskId {
        match self.asks.len() {
            0 => AskId(1),
            asked => self.asks[asked - 1 - pick.at(asked.min(3)) * usize::from(pick.of(3) == 0)],
        }
    }
}

fn customer() -> Customer {
    Customer {
        address: "+15005550006".into(),
        name: None,
        language: None,
    }
}

/// Choices out of one number.
struct Pick(u64);

impl Pick {
    fn of(&mut self, many: u64) -> u64 {
        let chosen = self.0 % many;
        // the rest of the number, stirred, decides what comes next
        self.0 = (self.0 / many).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (self.0 >> 29);
        chosen
    }

    fn at(&mut self, many: usize) -> usize {
        usize::try_from(self.of(many as u64)).expect("less than a length")
    }
}
