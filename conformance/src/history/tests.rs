//! Hand-made histories: those that an order explains, and those that none does.

use std::sync::Arc;

use certstore_core::Fence;

use super::value::{decode, encode};
use super::{Call, Grant, History, Op, Options, Outcome, run};
use crate::broken::BROKEN;

const NEVER: u64 = u64::MAX;

fn op(invoked: u64, completed: u64, call: Call, outcome: Outcome) -> Op {
    Op { client: 1, key: "k".into(), call, invoked, completed, outcome, version: None }
}

fn store(invoked: u64, completed: u64, value: u64) -> Op {
    op(invoked, completed, Call::Store { value }, Outcome::Done)
}

fn load(invoked: u64, completed: u64, seen: u64) -> Op {
    op(invoked, completed, Call::Load, Outcome::Saw(Some(seen).filter(|seen| *seen != 0)))
}

fn unknown(invoked: u64, value: u64) -> Op {
    op(invoked, NEVER, Call::Store { value }, Outcome::Unknown)
}

fn replace(invoked: u64, completed: u64, expected: u64, value: u64, outcome: Outcome) -> Op {
    op(invoked, completed, Call::Replace { value, expected }, outcome)
}

fn create(invoked: u64, completed: u64, value: u64, outcome: Outcome) -> Op {
    op(invoked, completed, Call::Create { value }, outcome)
}

fn fenced(invoked: u64, completed: u64, token: u64, value: u64, outcome: Outcome) -> Op {
    op(invoked, completed, Call::Fenced { value, name: "n".into(), token }, outcome)
}

fn grant(client: u64, token: u64, first: u64, last: u64) -> Grant {
    let name = "n".into();
    Grant { client, name, token, asked: first, first, last, freed: None, lost: false }
}

fn judged(ops: Vec<Op>) -> Vec<String> {
    History { ops, ..History::default() }.violations(Fence::PerKey)
}

fn explained(ops: Vec<Op>) {
    assert_eq!(judged(ops), Vec::<String>::new());
}

fn unexplained(ops: Vec<Op>) {
    let found = judged(ops);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("k is not linearizable: "), "{found:?}");
}

#[test]
fn concurrent_operations_take_any_order_and_others_their_own() {
    explained(vec![store(0, 10, 1), load(2, 4, 0), load(5, 8, 1), load(11, 12, 1)]);
    explained(vec![store(0, 10, 1), store(1, 9, 2), load(11, 12, 1), load(11, 13, 1)]);
    explained(vec![store(0, 10, 1), store(1, 9, 2), load(11, 12, 2)]);
    unexplained(vec![store(0, 10, 1), store(1, 9, 2), load(11, 12, 2), load(13, 14, 1)]);
}

#[test]
fn a_stale_load_is_found() {
    unexplained(vec![store(0, 1, 1), store(2, 3, 2), load(4, 5, 1)]);
    unexplained(vec![store(0, 1, 1), load(2, 3, 0)]);
    // Two loads of one concurrent store, new before old.
    unexplained(vec![store(0, 20, 1), load(1, 2, 1), load(3, 4, 0)]);
}

#[test]
fn a_value_out_of_nowhere_is_found() {
    unexplained(vec![store(0, 1, 1), load(2, 3, 9)]);
    unexplained(vec![load(0, 1, 1), store(2, 3, 1)]);
    unexplained(vec![load(0, 1, 1), unknown(2, 1)]);
}

#[test]
fn a_lost_update_is_found() {
    let both = |second| {
        let first = replace(2, 5, 1, 2, Outcome::Done);
        vec![store(0, 1, 1), first, replace(3, 6, 1, 3, second)]
    };
    explained(both(Outcome::Refused));
    unexplained(both(Outcome::Done));
    unexplained(vec![create(0, 5, 1, Outcome::Done), create(1, 4, 2, Outcome::Done)]);
    explained(vec![create(0, 5, 1, Outcome::Done), create(1, 4, 2, Outcome::Refused)]);
}

#[test]
fn a_refusal_without_a_reason_is_found() {
    unexplained(vec![store(0, 1, 1), replace(2, 3, 1, 2, Outcome::Refused), load(4, 5, 1)]);
    unexplained(vec![create(0, 1, 1, Outcome::Refused)]);
    explained(vec![unknown(0, 7), create(1, 2, 1, Outcome::Refused)]);
    explained(vec![
        store(0, 1, 1),
        replace(2, NEVER, 1, 8, Outcome::Unknown),
        replace(3, 4, 1, 2, Outcome::Refused),
    ]);
}

#[test]
fn an_unknown_write_takes_effect_once_later_or_never() {
    explained(vec![store(0, 1, 1), unknown(2, 7), load(3, 4, 1)]);
    explained(vec![store(0, 1, 1), unknown(2, 7), load(3, 4, 1), load(5, 6, 7), load(7, 8, 7)]);
    explained(vec![unknown(0, 7), store(1, 2, 1), load(3, 4, 1), load(5, 6, 7)]);
    unexplained(vec![unknown(0, 7), store(1, 2, 1), load(3, 4, 7), load(5, 6, 1)]);
    unexplained(vec![unknown(0, 7), load(1, 2, 7), store(3, 4, 1), load(5, 6, 7)]);
    unexplained(vec![
        store(0, 1, 1),
        replace(2, NEVER, 1, 7, Outcome::Unknown),
        store(3, 4, 2),
        load(5, 6, 2),
        load(7, 8, 7),
    ]);
}

#[test]
fn a_fenced_write_after_a_newer_one_is_found() {
    let late = |outcome| {
        vec![
            fenced(0, 1, 5, 1, Outcome::Done),
            fenced(2, 3, 6, 2, Outcome::Done),
            fenced(4, 5, 5, 3, outcome),
        ]
    };
    explained(late(Outcome::Refused));
    explained(late(Outcome::Unknown));
    unexplained(late(Outcome::Done));
    let mut seen = late(Outcome::Unknown);
    seen.push(load(6, 7, 3));
    unexplained(seen);
    let mut cleared = late(Outcome::Done);
    cleared.push(op(3, 4, Call::Store { value: 9 }, Outcome::Done));
    explained(cleared);
}

#[test]
fn a_strict_fence_knows_of_holders_that_have_not_written() {
    let history = History {
        ops: vec![fenced(0, 1, 5, 1, Outcome::Done), fenced(8, 9, 5, 2, Outcome::Done)],
        grants: vec![grant(1, 5, 0, 2), grant(2, 6, 4, 6)],
        ..History::default()
    };
    assert!(history.violations(Fence::PerKey).is_empty());
    let found = history.violations(Fence::Strict);
    assert_eq!(found, ["k: client 1 wrote with token 5 of lock n after 6 was granted"]);
}

#[test]
fn two_holders_and_tokens_that_do_not_grow_are_found() {
    let judged =
        |grants: Vec<Grant>| History { grants, ..History::default() }.violations(Fence::Strict);
    assert!(judged(vec![grant(1, 5, 0, 4), grant(2, 6, 5, 9)]).is_empty());
    let two = judged(vec![grant(1, 5, 0, 6_000), grant(2, 6, 5_000, 9_000)]);
    assert_eq!(
        two,
        ["lock n: client 2 got it with token 6 while client 1 held it with 5, for 1 us more"]
    );
    // The one in between does not hide the first, which held all the time.
    assert_eq!(judged(vec![grant(1, 5, 0, 90), grant(2, 6, 10, 20), grant(3, 7, 30, 40)]).len(), 2);
    let shrank = judged(vec![grant(1, 7, 0, 4), grant(2, 6, 5, 9)]);
    assert_eq!(shrank, ["lock n: token 6 of client 2 came after 7 of client 1"]);
    let twice = judged(vec![grant(1, 5, 0, 4), grant(2, 5, 6, 9)]);
    assert_eq!(twice, ["lock n: clients 1 and 2 were both given token 5"]);
}

#[test]
fn a_version_of_two_values_is_found() {
    let versioned = |at, value, version| Op { version: Some(version), ..store(at, at + 1, value) };
    explained(vec![versioned(0, 1, 100), versioned(2, 2, 200)]);
    let found = judged(vec![versioned(0, 1, 100), versioned(2, 2, 100)]);
    assert_eq!(found, ["k: one version stood for values 1 and 2"]);
    let found = judged(vec![versioned(0, 1, 100), Op { version: Some(7), ..load(2, 3, 1) }]);
    assert_eq!(found, ["k: value 1 had two versions"]);
}

#[test]
fn a_record_reads_back_as_what_was_done() {
    let record = "ask 1 n\nenter 3 n 5\ncall 1 4 k fenced 9 n 5\nreturn 1 6 done version 77\nheld 8\n\
                  call 2 9 k load\nreturn 2 10 saw 9 version 77\nfreed 11\nrest\ncall 3 12 k store 10\n\
                  retry\nodd strange\ncall 4 13 k loa";
    let history = History::parse(1, record).unwrap();
    let version = Some(77);
    let first = Op { version, ..fenced(4, 6, 5, 9, Outcome::Done) };
    assert_eq!(history.ops, [first, Op { version, ..load(9, 10, 9) }, unknown(12, 10)]);
    let held = Grant { asked: 1, freed: Some(11), ..grant(1, 5, 3, 8) };
    assert_eq!((history.grants, history.retryable), (vec![held], 1));
    assert_eq!(history.odd, ["client 1: strange"]);
    assert!(History::parse(1, "nonsense\n").is_err());
}

#[test]
fn a_torn_value_is_none() {
    let bytes = encode(12_345);
    assert!(bytes.len() > 100);
    assert_eq!(decode(&bytes), Some(12_345));
    assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    let mut mixed = bytes;
    mixed[50] ^= 1;
    assert_eq!(decode(&mixed), None);
}

/// Long, with much in parallel, and quick to decide.
#[test]
fn fifty_thousand_operations_are_decided() {
    let mut ops = Vec::new();
    for round in 0..5_000_u64 {
        let at = round * 100;
        let value = |number: u64| round * 10 + number + 1;
        ops.extend((0..8).map(|number| store(at + number, at + 50 + number, value(number))));
        ops.push(load(at + 70, at + 75, value(round % 8)));
        ops.push(unknown(at + 80, 1_000_000 + round));
    }
    explained(ops.clone());
    ops.truncate(1_000);
    ops.push(load(499_990, 499_999, 1));
    unexplained(ops);
}

async fn of_broken(clause: &str) -> Vec<String> {
    let broken = BROKEN.iter().find(|broken| broken.clause == clause).unwrap();
    let factory = Arc::new(broken.factory());
    run(factory, Options::new().clients(16).rounds(60)).await.unwrap().violations
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_stores_are_found() {
    // Looks and writes later; lets the sixth waiter in; keeps what was loaded; gives old tokens again.
    for (clause, said) in [
        ("CAS-6", "is not linearizable"),
        ("LOCK-1", "lock soak-"),
        ("LOCK-3", "were both given token"),
        ("CAS-3", "version"),
    ] {
        let found = of_broken(clause).await;
        assert!(found.iter().any(|found| found.contains(said)), "{clause}: {found:?}");
    }
}
