//! The order of a walk against that of a sorted set.

use std::collections::BTreeSet;

use certstore_core::{OsRandom, Random as _};

use super::*;

fn file(key: &str) -> KeyInfo {
    KeyInfo::file(Key::new(key).unwrap())
}

/// Everything that a walk of these files gives, and how much it ever held back.
fn ordered(dir: &str, files: &BTreeSet<String>, ask: bool) -> (Vec<String>, usize) {
    let mut order = Order::new(Dir::new(dir).unwrap());
    let (mut ready, mut most) = (VecDeque::new(), 0);
    for name in files {
        order.push(file(name));
        order.release(&mut ready);
        while ask && let Some(candidate) = order.candidate() {
            let below = format!("{candidate}/");
            order.settle(candidate, files.iter().any(|name| name.starts_with(&below)));
            order.release(&mut ready);
        }
        most = most.max(order.held.len());
    }
    order.finish(&mut ready);
    (ready.into_iter().map(|info| info.key.as_str().to_owned()).collect(), most)
}

/// What must come out: files and their directories, sorted.
fn expected(dir: &str, files: &BTreeSet<String>) -> Vec<String> {
    let dir = Dir::new(dir).unwrap();
    let mut keys = BTreeSet::new();
    for name in files {
        let mut key = Key::new(name).unwrap();
        while key.is_below(&dir) {
            keys.insert(key.as_str().to_owned());
            match key.parent().key() {
                Some(parent) => key = parent.clone(),
                None => break,
            }
        }
    }
    keys.into_iter().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn directories_stand_before_what_sorts_between() {
    let files = set(&["a-b", "a-b/x", "a.b/c", "a/b", "a/b+c/d", "a/b/e", "a0", "z"]);
    for ask in [false, true] {
        assert_eq!(ordered("", &files, ask).0, expected("", &files), "asked: {ask}");
    }
    let below = set(&["a/b", "a/b+c/d", "a/b/e"]);
    assert_eq!(ordered("a", &below, false).0, expected("a", &below));
}

#[test]
fn a_value_that_is_a_directory_too_comes_once() {
    let files = set(&["a", "a-b", "a.b", "a/b", "b"]);
    for ask in [false, true] {
        assert_eq!(ordered("", &files, ask).0, expected("", &files), "asked: {ask}");
    }
}

#[test]
fn when_asked_nothing_is_held_back() {
    let many: BTreeSet<String> = (0..500).map(|n| format!("a-{n:03}/x")).collect();
    assert_eq!(ordered("", &many, true), (expected("", &many), 0));
    assert!(ordered("", &many, false).1 > 900);
}

#[test]
fn any_tree_comes_in_order() {
    for _ in 0..2_000 {
        let mut bits = OsRandom.next_u128();
        let mut take = |choices: u128| {
            let taken = bits % choices;
            bits /= choices;
            taken
        };
        let mut files = BTreeSet::new();
        for _ in 0..=take(6) {
            let mut name = String::from("a");
            for _ in 0..take(7) {
                name.push(['a', '-', '.', '+', '/', '0'][take(6) as usize]);
            }
            if Key::new(&name).is_ok() {
                files.insert(name);
            }
        }
        for ask in [false, true] {
            assert_eq!(ordered("", &files, ask).0, expected("", &files), "{files:?} asked: {ask}");
        }
    }
}
