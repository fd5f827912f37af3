//! What a round shows, and what it does not.

use crate::error::Answer;

use super::*;

const ONE: Contest = Contest::Create(0);

fn no(status: u16) -> Result<Done<()>> {
    Ok(Done::No(Answer { status: Some(status), ..Answer::default() }))
}

fn lost(applied: bool) -> Result<Done<()>> {
    Err(Error::new(ErrorKind::Unavailable, "lost").with_may_have_applied(applied))
}

/// The first one's answer, then that of all others.
fn verdict(first: Result<Done<()>>, others: fn() -> Result<Done<()>>, stands: &str) -> String {
    let mut tally = Tally::default();
    tally.count(Act::Put("0"), first).expect("counts");
    for _ in 1..RACERS {
        tally.count(Act::Put("other"), others()).expect("counts");
    }
    text(tally.judge(ONE, Some(stands.as_bytes()).filter(|stands| !stands.is_empty())))
}

fn text(check: Check) -> String {
    match check {
        Ok(()) => "good".to_owned(),
        Err(Stop::Fault(fault)) => fault,
        Err(Stop::Again(error)) => format!("again: {}", error.kind()),
        Err(Stop::Error(error)) => panic!("{error}"),
    }
}

#[test]
fn one_winner_among_refusals_is_good() {
    assert_eq!(verdict(Ok(Done::Yes(())), || no(412), "0"), "good");
    assert_eq!(verdict(Ok(Done::Yes(())), || no(409), "0"), "good");
    assert_eq!(verdict(lost(true), || no(412), "0"), "good");
}

#[test]
fn two_winners_or_none_are_a_fault() {
    assert!(verdict(Ok(Done::Yes(())), || Ok(Done::Yes(())), "0").contains("16 of 16"));
    assert!(verdict(Ok(Done::Yes(())), || no(412), "other").contains("does not stand"));
    assert!(verdict(no(412), || no(412), "").contains("none of 16"));
}

#[test]
fn passing_trouble_is_no_finding() {
    for (first, others) in [
        (no(409), (|| no(409)) as fn() -> _),
        (no(409), || no(412)),
        (lost(true), || no(412)),
        (lost(false), || no(412)),
    ] {
        assert!(verdict(first, others, "").starts_with("again"));
    }
}

#[test]
fn a_winner_among_silent_ones_proves_nothing() {
    assert!(verdict(Ok(Done::Yes(())), || lost(true), "0").starts_with("again"));
    assert!(verdict(Ok(Done::Yes(())), || lost(false), "0").starts_with("again"));
}

#[test]
fn a_write_and_a_delete_do_not_both_win() {
    let contest = Contest::Delete { quoted: true };
    let judge = |written: &[&'static str], deleted, stands: Option<&str>| {
        let refused = RACERS - written.len() - deleted;
        let tally = Tally { written: written.to_vec(), deleted, refused, ..Tally::default() };
        text(tally.judge(contest, stands.map(str::as_bytes)))
    };
    assert_eq!(judge(&["0"], 0, Some("0")), "good");
    assert_eq!(judge(&[], 3, None), "good");
    assert!(judge(&["0"], 1, None).contains("one of each"));
    assert!(judge(&[], 1, Some("before")).contains("stands"));
}
