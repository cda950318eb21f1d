//! Facts as a trail holds them, one function for each that several tests need.

use segue::clock::Timestamp;
use segue::conversation::message::FailureCause;
use segue::conversation::trail::{Fact, Usage};
use segue::conversation::words::{By, Class, MessageState, ModelFault, Reason, Settlement};
use segue::ids::{AskId, EffectId, HandoffId, OwnerEpoch};

pub fn requested(handoff: u64, reason: Reason, repeat: bool) -> Fact {
    Fact::HandoffRequested {
        handoff: HandoffId(handoff),
        reason,
        rule: "r".into(),
        matched: "m".into(),
        queue: "general".into(),
        repeat,
        deadline: Timestamp::ZERO,
        since_open_ms: 4_000,
    }
}

pub fn settled(class: Class, state: MessageState, code: &str, cause: Option<FailureCause>) -> Fact {
    Fact::Settled {
        effect: EffectId(1),
        class,
        state,
        provider_id: "p".into(),
        code: code.into(),
        cause,
        attempts: 1,
        after_ms: 500,
    }
}

pub fn handed_back(agent: bool) -> Fact {
    Fact::HandedBack {
        by: By::Timeout,
        agent: agent.then(|| "ana".into()),
        note: String::new(),
        epoch: OwnerEpoch(3),
        held_ms: 9_000,
    }
}

pub fn answered(model: &str) -> Fact {
    Fact::ModelAnswered {
        ask: AskId(1),
        model: model.into(),
        usage: USAGE,
        took_ms: 2_000,
        tools: Vec::new(),
        confidence: None,
    }
}

pub fn failed(fault: ModelFault) -> Fact {
    Fact::ModelFailed {
        usage: Usage::default(),
        ask: AskId(1),
        fault,
        took_ms: 8_000,
    }
}

pub fn opened(by: By, reopened: bool) -> Fact {
    Fact::Opened {
        episode: 1,
        by,
        reopened,
    }
}

pub fn claimed() -> Fact {
    Fact::Claimed {
        held_ms: 0,
        agent: "ana".into(),
        handoff: Some(HandoffId(1)),
        epoch: OwnerEpoch(2),
        from: None,
        in_flight: Vec::new(),
    }
}

pub fn lapsed() -> Fact {
    Fact::LeaseLapsed {
        agent: "ana".into(),
        held_ms: 9_000,
    }
}

pub fn transferred(handoff: u64) -> Fact {
    Fact::Transferred {
        held_ms: None,
        agent: None,
        queue: "sales".into(),
        to: None,
        handoff: HandoffId(handoff),
        epoch: OwnerEpoch(3),
    }
}

pub const USAGE: Usage = Usage {
    input: 100,
    cached: 40,
    output: 10,
    cost_micros: 77,
};

pub fn offered(to: Option<&str>) -> Fact {
    Fact::Transferred {
        held_ms: None,
        agent: None,
        queue: "general".into(),
        to: to.map(Into::into),
        handoff: HandoffId(1),
        epoch: OwnerEpoch(1),
    }
}

pub fn ended(outcome: Settlement) -> Fact {
    Fact::HandoffSettled {
        handoff: HandoffId(1),
        outcome,
        waited_ms: 30_000,
    }
}
