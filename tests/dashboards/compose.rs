//! The compose file and what it mounts: pinned images, Grafana's and Alertmanager's configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{DASHBOARDS, alerts, dashboard, here, list, word, yaml};

/// The number that an `image` is pinned to.
fn check_pinned(image: &str) {
    let (_, tag) = image
        .rsplit_once(':')
        .unwrap_or_else(|| panic!("{image} has no tag"));
    let parts: Vec<&str> = tag.trim_start_matches('v').split('.').collect();
    let whole = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    assert!(whole, "{image}: not pinned to one release");
}

#[test]
fn the_compose_file_pins_its_images_and_mounts_what_is_there() {
    let compose = yaml::read(&here("compose.yaml"));
    let services = compose["services"].as_object().expect("services");
    let mut mounted = BTreeMap::new();
    for (name, service) in services {
        check_pinned(word(&service["image"]));
        assert_eq!(
            service["network_mode"], "host",
            "{name}: cannot reach a listener on loopback"
        );
        for mount in list(&service["volumes"]) {
            let mut parts = word(mount).split(':');
            let (from, to) = (
                parts.next().expect("a source"),
                parts.next().expect("a place"),
            );
            if let Some(file) = from.strip_prefix("./") {
                assert!(here(file).exists(), "{name}: there is no {from}");
                assert_eq!(parts.next(), Some("ro"), "{name}: {from} can be written");
                mounted.insert(to.to_owned(), file.to_owned());
            } else {
                assert!(
                    compose["volumes"].get(from).is_some(),
                    "{name}: no volume {from}"
                );
            }
        }
        let said = service.to_string();
        assert!(!said.contains("0.0.0.0"), "{name} listens to everybody");
    }
    check_provisioning(&mounted);
}

/// What Grafana and Prometheus are told to read is what was mounted.
fn check_provisioning(mounted: &BTreeMap<String, String>) {
    let providers = yaml::read(&here("provisioning/dashboards/segue.yaml"));
    let path = word(&providers["providers"][0]["options"]["path"]).to_owned();
    for name in DASHBOARDS {
        assert_eq!(
            mounted.get(&format!("{path}/{name}.json")),
            Some(&format!("{name}.json"))
        );
    }
    let runbook = &alerts()["SegueDown"]["annotations"]["runbook_url"];
    let (_, served) = word(runbook)
        .split_once("/public/")
        .expect("Grafana serves it");
    let (served, _) = served.split_once('#').expect("an anchor");
    assert!(mounted.contains_key(&format!("/usr/share/grafana/public/{served}")));
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let variables = list(&dashboard["templating"]["list"]).iter();
        let runbook = variables
            .filter(|one| one["name"] == "runbook")
            .map(|one| word(&one["query"]).to_owned());
        assert_eq!(
            runbook.collect::<Vec<_>>(),
            [format!("/public/{served}")],
            "{name}"
        );
    }
    let sources = yaml::read(&here("provisioning/datasources/prometheus.yaml"));
    assert_eq!(sources["datasources"][0]["url"], "http://127.0.0.1:9091");
    let prometheus = yaml::read(&here("prometheus.yml"));
    for file in list(&prometheus["rule_files"]) {
        assert!(here(word(file)).exists(), "there is no {file}");
        assert!(
            mounted.contains_key(&format!("/etc/prometheus/{}", word(file))),
            "{file} is not mounted"
        );
    }
    let job = &prometheus["scrape_configs"][0];
    assert_eq!(job["job_name"], "segue", "the rules look for it");
    let listen = segue::config::Config::demonstration()
        .server
        .ops_listen
        .to_string();
    assert_eq!(job["static_configs"][0]["targets"][0], listen);
}

#[test]
fn every_severity_has_somebody_to_go_to() {
    let manager = yaml::read(&here("alertmanager.yml"));
    let receivers: BTreeSet<&str> = list(&manager["receivers"])
        .iter()
        .map(|one| word(&one["name"]))
        .collect();
    let mut routes = vec![&manager["route"]];
    routes.extend(list(&manager["route"]["routes"]));
    for route in &routes {
        assert!(receivers.contains(word(&route["receiver"])), "{route}");
    }
    let matched = manager["route"]["routes"].to_string();
    assert!(
        matched.contains("page") && matched.contains("SegueWatchdog"),
        "{matched}"
    );
}

/// Every key under `value` that `known` does not have; what is under `jsonData` and `options` counts too.
fn strange<'a>(value: &'a Value, known: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (key, inner) in value.as_object().into_iter().flatten() {
        if !known.contains(&key.as_str()) {
            found.push(key.as_str());
        }
        found.extend(strange(inner, known));
    }
    found.extend(list(value).iter().flat_map(|one| strange(one, known)));
    found
}

#[test]
fn grafana_is_told_nothing_that_it_does_not_know() {
    // The fields of grafana.com/docs/grafana/latest/administration/provisioning; those that carry secrets left out.
    // Grafana passes over a misspelt one in silence.
    let providers = [
        "apiVersion",
        "providers",
        "name",
        "orgId",
        "folder",
        "folderUid",
        "type",
        "disableDeletion",
        "updateIntervalSeconds",
        "allowUiUpdates",
        "options",
        "path",
        "foldersFromFilesStructure",
    ];
    let sources = [
        "apiVersion",
        "datasources",
        "name",
        "type",
        "uid",
        "access",
        "orgId",
        "url",
        "isDefault",
        "version",
        "editable",
        "jsonData",
        "timeInterval",
        "httpMethod",
        "prometheusType",
        "prometheusVersion",
    ];
    let dashboards = yaml::read(&here("provisioning/dashboards/segue.yaml"));
    assert_eq!(strange(&dashboards, &providers), Vec::<&str>::new());
    let prometheus = yaml::read(&here("provisioning/datasources/prometheus.yaml"));
    assert_eq!(strange(&prometheus, &sources), Vec::<&str>::new());
    for document in [&dashboards, &prometheus] {
        assert_eq!(document["apiVersion"], 1);
    }
    assert_eq!(dashboards["providers"][0]["type"], "file");
    // What the data source promises about the scrapes is what Prometheus does.
    let scrapes = &yaml::read(&here("prometheus.yml"))["global"]["scrape_interval"];
    let promised = &prometheus["datasources"][0]["jsonData"]["timeInterval"];
    assert_eq!(promised, scrapes);
}
