//! Reading while something is committed or applied: what was read in halves is read again.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::embedded::Store;
use super::state::{DUE, time_and_id};
use super::{Listing, Observer, Options, Position, Turn};
use crate::clock::Timestamp;
use crate::conversation::words::ModeName;
use crate::ids::ConversationId;

const ONE: ConversationId = ConversationId::from_bytes([0; 16]);

struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

fn commit(store: &Store, rev: u64, due: i64) {
    let turn = Turn {
        conversation: ONE,
        medium: crate::conversation::message::Medium::Other,
        was: ModeName::Closed,
        rev,
        head: Vec::new(),
        entries: Vec::new(),
        due: Some(Timestamp::from_millis(due)),
        listing: Listing {
            mode: ModeName::Ai,
            since: Timestamp::ZERO,
        },
        evicted: Vec::new(),
    };
    let (tell, told) = sync_channel(1);
    let done = move |answer| tell.send(answer).expect("the test listens");
    store.submit(vec![turn], store.generation(), Box::new(done));
    told.recv().expect("an answer").expect("a commit");
}

#[test]
fn a_page_is_read_again_when_something_is_applied_meanwhile() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(dir.path(), options, Arc::new(Nobody)).expect("it opens");
    commit(&store, 1, 100);
    store.settle().expect("applied");
    commit(&store, 2, 200);
    let times = Cell::new(0);
    let page = store.page(
        9,
        |txn| {
            let rows: Vec<_> = txn
                .open_table(DUE)?
                .range::<&[u8; 24]>(..)?
                .map(|row| Ok(row.map(|(key, _)| time_and_id(key.value()))?))
                .collect();
            if times.replace(times.get() + 1) == 0 {
                store.settle().expect("applied");
            }
            Ok(rows.into_iter())
        },
        |row| row.1,
        |tail, limit| {
            let due = tail.due_within(None, Timestamp::MAX, limit);
            due.into_iter().map(|(due, id, _)| (due, id)).collect()
        },
    );
    assert_eq!(page, Ok(vec![(Timestamp::from_millis(200), ONE)]));
    assert_eq!(times.get(), 2);
}

fn check_meanwhile(applied: bool) {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options {
        apply: false,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(dir.path(), options, Arc::new(Nobody)).expect("it opens");
    let times = Cell::new(0);
    let rev = store.read_one(ONE, |_, stored, turns| {
        if times.replace(times.get() + 1) == 0 {
            commit(&store, 8, 100);
            if applied {
                store.settle().expect("applied");
            }
        }
        let applied = stored.map(|stored| stored.rev);
        Ok(applied.or(turns.last().map(|turn| turn.rev)))
    });
    assert_eq!((rev, times.get()), (Ok(Some(8)), 2));
}

#[test]
fn a_conversation_that_comes_back_meanwhile_is_read_again() {
    check_meanwhile(false);
    check_meanwhile(true);
}
