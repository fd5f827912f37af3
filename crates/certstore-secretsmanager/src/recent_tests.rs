//! Own writes, while they are young.

use super::*;

fn version(text: &str) -> Known {
    Known::Stored(text.to_owned())
}

fn note(recent: &Recent, secret: &str, known: Known, now: Instant) {
    recent.inner().note(secret, known, false, None, now);
}

#[test]
fn lists_have_them_for_five_minutes() {
    let (recent, start) = (Recent::default(), Instant::now());
    note(&recent, "p/a", version("1"), start);
    note(&recent, "p/b", version("2"), start + Duration::from_secs(100));
    note(&recent, "q", version("3"), start);
    note(&recent, "p/b", Known::Deleted, start + Duration::from_secs(200));
    let all = [("p/a".to_owned(), version("1")), ("p/b".to_owned(), Known::Deleted)];
    assert_eq!(recent.below_at("p/", start + Duration::from_secs(300)), all);
    assert_eq!(recent.below_at("p/", start + LIST_LAG + Duration::from_secs(1)), all[1..]);
    assert_eq!(recent.below_at("p/", start + 3 * LIST_LAG), []);
    assert_eq!(recent.below_at("p/a/", start), []);
}

#[test]
fn reads_of_what_was_before_are_stale_for_a_while() {
    let (recent, start) = (Recent::default(), Instant::now());
    assert!(!recent.is_stale_at("a", None, start) && !recent.is_stale_at("a", Some("1"), start));
    note(&recent, "a", version("1"), start);
    assert!(recent.is_stale_at("a", None, start));
    assert!(!recent.is_stale_at("a", Some("1"), start));
    note(&recent, "a", version("2"), start);
    assert!(recent.is_stale_at("a", Some("1"), start));
    // Another client's.
    assert!(!recent.is_stale_at("a", Some("9"), start));
    note(&recent, "a", Known::Deleted, start);
    assert!(recent.is_stale_at("a", Some("2"), start) && recent.is_stale_at("a", Some("1"), start));
    assert!(!recent.is_stale_at("a", None, start));
    assert!(!recent.is_stale_at("a", Some("2"), start + READ_LAG + Duration::from_secs(1)));
}

#[test]
fn the_version_that_a_condition_named_is_older() {
    let recent = Recent::default();
    recent.begin("a").over("theirs").stored("ours");
    assert!(recent.is_stale("a", Some("theirs")) && !recent.is_stale("a", Some("later")));
    recent.begin("b").over("theirs").deleted(true);
    assert!(recent.is_stale("b", Some("theirs")) && !recent.is_stale("b", None));
}

#[test]
fn a_schedule_lasts_until_it_is_lifted() {
    let recent = Recent::default();
    recent.begin("a").deleted(true);
    recent.begin("b").deleted(false);
    assert!(recent.is_scheduled("a") && !recent.is_scheduled("b") && !recent.is_scheduled("c"));
    recent.restored("a");
    assert!(!recent.is_scheduled("a"));
    recent.begin("a").deleted(true);
    recent.begin("a").stored("1");
    assert!(!recent.is_scheduled("a"));
}

#[test]
fn what_met_another_write_or_broke_off_is_unclear() {
    let recent = Recent::default();
    let of = |secret: &str| recent.below(secret).pop().map(|(_, known)| known);
    let (one, other) = (recent.begin("a"), recent.begin("a"));
    one.stored("1");
    assert_eq!(of("a"), Some(Known::Unclear));
    other.deleted(false);
    assert_eq!(of("a"), Some(Known::Unclear));
    recent.begin("a").stored("2");
    assert_eq!(of("a"), Some(version("2")));
    recent.begin("a").nothing();
    assert_eq!(of("a"), Some(version("2")));
    drop(recent.begin("a"));
    assert_eq!(of("a"), Some(Known::Unclear));
    assert!(!recent.is_stale("a", None) && !recent.is_stale("a", Some("2")));
    assert!(recent.inner().under_way.is_empty());
}

#[test]
fn memory_is_bounded() {
    let (recent, start) = (Recent::default(), Instant::now());
    for number in 0..SECRETS + 100 {
        note(&recent, &format!("{number}"), version("1"), start);
    }
    assert_eq!(recent.inner().secrets.len(), SECRETS);
    for _ in 0..5 * SECRETS {
        note(&recent, "again", version("1"), start);
    }
    assert!(recent.inner().order.len() <= 4 * SECRETS);
    note(&recent, "later", version("1"), start + 2 * LIST_LAG);
    assert_eq!(recent.inner().secrets.len(), 1);
    assert_eq!(recent.inner().order.len(), 1);
}
