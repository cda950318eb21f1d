//! A report and a soak for tests of what is made of them. Nothing here was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Found, Point, Report, stages, step};
use crate::load::book::{Checks, People};
use crate::load::soak::Soak;
use crate::load::tally::{Counts, Phase, Stage};

/// A report with something in most of its parts.
pub fn report() -> Report {
    let mut phase = Phase {
        rate: 200.0,
        long: Duration::from_secs(10),
        ..Phase::default()
    };
    for micros in 1..2_000 {
        phase
            .latencies
            .record(Stage::Acknowledged, Duration::from_micros(micros));
    }
    let point = |at| Point {
        at,
        offered: 200.0,
        acknowledged: 199.0,
        bad: 1.0,
        ai_replies: 180.0,
        p50: Some(1.0),
        p99: None,
        max: Some(3.0),
        memory_mib: Some(90.0),
        load_memory_mib: Some(60.0),
        tail_mib: Some(1.0),
        resident: Some(700),
    };
    Report {
        version: "0.0.0",
        began: "2026-11-21T10:00:00.000Z".to_owned(),
        ended_early: false,
        passed: false,
        problems: vec!["3 <b>messages</b> were lost".to_owned()],
        notes: Vec::new(),
        settings: BTreeMap::from([("target", "<script>alert(1)</script>".to_owned())]),
        steps: vec![step(&phase, Some(true))],
        counts: Counts::default(),
        stages: stages(&phase.latencies),
        checks: Checks::default(),
        unanswered: Vec::new(),
        people: People::default(),
        faults: BTreeMap::from([("status 503".to_owned(), 3)]),
        series: vec![point(0.0), point(1.0)],
        soak: None,
        found: Some(Found {
            p99: 50.0,
            rate: None,
        }),
        server: None,
    }
}

/// A soak of twenty minutes.
pub fn soak() -> Soak {
    Soak {
        rate: 7.0,
        seconds: 1_200.0,
        memory_slope: Some(1.5),
        load_memory_slope: None,
        tail_max_mib: None,
        spells: Vec::new(),
        minutes: Vec::new(),
        leaks: Some(false),
    }
}
