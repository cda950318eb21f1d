//! The process itself: signals, a folder in use or of a newer release, a full disk.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use redb::{Database, TableDefinition};
use reqwest::{Response, StatusCode};
use segue::clock::monotonic;
use serde_json::{Value, json};

use crate::customer::Line;
use crate::house::House;
use crate::{house, sections};

/// A configuration for the real binary, on a port of its own.
fn house_in(dir: &Path, data: &Path) -> Line {
    let port = house::free_port();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"{}\"\ncache_mb = 32\n{}",
        data.display(),
        sections()
    );
    fs::write(dir.join("segue.toml"), text).expect("written");
    Line::to(format!("http://127.0.0.1:{port}"))
}

/// It does not start, exits with 1, and says this.
fn check_refuses(dir: &Path, says: &[&str]) {
    let status = House::start(dir).wait();
    let said = house::said(dir);
    assert_eq!(status.code(), Some(1), "{said}");
    for one in says {
        assert!(said.contains(one), "it does not say `{one}`:\n{said}");
    }
}

async fn gate(line: &Line, id: &str) -> Response {
    let message =
        json!({"channel": "gate", "from": "ana", "id": id, "text": "What are your opening hours?"});
    let request = line
        .client
        .post(format!("{}/api/v1/messages", line.base))
        .bearer_auth("gate-token")
        .json(&message);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn it_stops_on_sigterm_and_remembers_after_the_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    for (id, expected) in [("1", "accepted"), ("1", "duplicate")] {
        // Another port, and another line: the old one remembers connections that are gone.
        let line = house_in(dir.path(), &dir.path().join("data"));
        let house = House::start(dir.path());
        house.wait_ready(dir.path());
        let answer: Value = gate(&line, id).await.json().await.expect("JSON");
        assert_eq!(answer["status"], expected);
        let began = monotonic();
        assert!(house.terminate().success(), "{}", house::said(dir.path()));
        let said = house::said(dir.path());
        assert!(
            said.contains("stopping") && !said.contains('\u{1b}'),
            "{said}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_data_directory_serves_one_process_at_a_time() {
    let (dir, other) = (
        tempfile::tempdir().expect("a directory"),
        tempfile::tempdir().expect("a directory"),
    );
    let data = dir.path().join("data");
    house_in(dir.path(), &data);
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    house_in(other.path(), &data);
    check_refuses(other.path(), &["in use by another process", "--data"]);
    house.kill9();
    let house = House::start(other.path());
    house.wait_ready(other.path());
    assert!(house.terminate().success());
}

#[test]
fn data_of_a_newer_release_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    house_in(dir.path(), &data);
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    assert!(house.terminate().success());
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(data.join("state.redb")).expect("a redb file");
    let writing = database.begin_write().expect("writable");
    let newer = 99_u32.to_le_bytes();
    writing
        .open_table(meta)
        .expect("a table")
        .insert("layout", newer.as_slice())
        .expect("written");
    writing.commit().expect("committed");
    drop(database);
    let before = fs::read(data.join("journal.redb")).expect("a file");
    check_refuses(dir.path(), &["format 99", "backup"]);
    assert!(
        fs::read(data.join("journal.redb")).expect("a file") == before,
        "the journal was touched"
    );
}

/// A small disk of our own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Of `mb` MiB at `at`. None: not allowed here.
    fn mount(at: &Path, mb: usize) -> Option<Self> {
        fs::create_dir(at).expect("a directory");
        let size = format!("size={mb}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
        let mounted = mount
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone_or_not = Command::new("umount").arg(&self.0).status();
    }
}

fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("stderr is open");
}

#[tokio::test]
async fn a_full_disk_is_named_at_the_start_and_refused_with_a_time_to_come_back_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("disk");
    let Some(small) = SmallDisk::mount(&data, 40) else {
        return skipped("a full disk: mounting a tmpfs is not allowed here");
    };
    let line = house_in(dir.path(), &data);
    check_refuses(dir.path(), &["no room on the disk"]);
    drop(small);
    fs::remove_dir(&data).expect("unmounted");
    // A disk with room that is filled up by somebody else meanwhile.
    let _disk = SmallDisk::mount(&data, 300).expect("it worked before");
    let house = House::start(dir.path());
    house.wait_ready(dir.path());
    assert_eq!(gate(&line, "1").await.status(), StatusCode::OK);
    fs::write(data.join("somebody-elses"), vec![1; 60 * 1024 * 1024]).expect("written");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let answer = gate(&line, "2").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    fs::remove_file(data.join("somebody-elses")).expect("removed");
    let taken = gate(&line, "2").await;
    assert_eq!(
        taken.status(),
        StatusCode::OK,
        "held until there was room, then taken"
    );
    assert!(house.terminate().success(), "{}", house::said(dir.path()));
}
