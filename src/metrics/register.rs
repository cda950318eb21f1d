//! Makes the handles: one per family and combination of labels, all at zero, with the HELP text of the catalogue.
//!
//! The recorder is ours and never installed for the process, so that several runtimes can live in one test process.
//! Handles are made once, at the start; nothing on a hot path looks one up by name.

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::catalogue::{FAMILIES, Family, Kind, ON_SIGHT};

/// The exporter ignores it; it is asked for with every handle.
const METADATA: Metadata<'static> =
    Metadata::new("segue::metrics", Level::INFO, Some("segue::metrics"));

/// The recorder, with the means to make handles in it.
pub(super) struct Register(PrometheusRecorder);

impl Register {
    /// A recorder that knows the buckets of every histogram of the catalogue. No idle timeout: the exporter would
    /// forget a family whose handle is still held, and the handle would count into nowhere.
    pub(super) fn new() -> Self {
        let mut builder = PrometheusBuilder::new();
        for family in FAMILIES.iter().chain(ON_SIGHT) {
            match family.kind {
                Kind::Histogram(buckets) => {
                    builder = builder
                        .set_buckets_for_metric(Matcher::Full(family.name.to_owned()), buckets)
                        .expect("the catalogue's bucket lists are not empty");
                }
                Kind::Counter | Kind::Gauge => {}
            }
        }
        Self(builder.build_recorder())
    }

    pub(super) fn handle(&self) -> PrometheusHandle {
        self.0.handle()
    }

    pub(super) fn counter(&self, family: &Family, values: &[&str]) -> Counter {
        debug_assert_eq!(family.kind, Kind::Counter, "{}", family.name);
        self.0
            .describe_counter(KeyName::from(family.name), None, family.help.into());
        self.0.register_counter(&key(family, values), &METADATA)
    }

    pub(super) fn gauge(&self, family: &Family, values: &[&str]) -> Gauge {
        debug_assert_eq!(family.kind, Kind::Gauge, "{}", family.name);
        self.0
            .describe_gauge(KeyName::from(family.name), None, family.help.into());
        self.0.register_gauge(&key(family, values), &METADATA)
    }

    pub(super) fn histogram(&self, family: &Family, values: &[&str]) -> Histogram {
        debug_assert!(matches!(family.kind, Kind::Histogram(_)), "{}", family.name);
        self.0
            .describe_histogram(KeyName::from(family.name), None, family.help.into());
        self.0.register_histogram(&key(family, values), &METADATA)
    }
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Register").finish_non_exhaustive()
    }
}

fn key(family: &Family, values: &[&str]) -> Key {
    debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
    let labels: Vec<Label> = family
        .labels
        .iter()
        .zip(values)
        .map(|(label, value)| Label::new(*label, (*value).to_owned()))
        .collect();
    Key::from_parts(family.name, labels)
}

/// One of something for each value of a label, in the order of `all`.
pub(super) fn each<T, L: Copy, const N: usize>(all: &[L], mut make: impl FnMut(L) -> T) -> [T; N] {
    debug_assert_eq!(all.len(), N);
    std::array::from_fn(|i| make(all[i]))
}
