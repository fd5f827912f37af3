//! Names, there and back.

use super::*;

#[test]
fn every_lock_name_fits_and_none_meets_another() {
    let long = "x".repeat(512);
    let names = [
        "a",
        "A",
        ".",
        "..",
        "a.b",
        "a/b",
        "a~b",
        "a~2Fb",
        "bücher",
        "\u{1}",
        long.as_str(),
        &long[..511],
    ];
    let deepest = Names::new(&format!("{}/", "p".repeat(512)));
    let mut objects: Vec<String> = names.iter().map(|name| deepest.log(name, u32::MAX)).collect();
    assert!(objects.iter().all(|object| object.len() <= MAX_OBJECT));
    objects.sort();
    objects.dedup();
    assert_eq!(objects.len(), names.len());
}

#[test]
fn what_does_not_fit_is_refused() {
    let names = Names::new(&format!("{}/", "p".repeat(512)));
    let key = Key::new(&format!("{0}/{0}/{0}", "k".repeat(200))).unwrap();
    let error = names.value(&key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("1023"), "{error}");
}

#[test]
fn locks_of_certmagic_oss_lie_among_the_values() {
    let names = Names::new("p/").with_peer_locks();
    assert_eq!(
        names.peer_lock("issue_cert_*.example.com").unwrap(),
        "p/issue_cert_*.example.com.lock"
    );
    assert!(names.is_peer_lock("p/a.lock") && !names.is_peer_lock("p/a"));
    assert!(names.value(&Key::new("a.lock").unwrap()).is_err());
    assert!(Names::new("").peer_lock("/a").is_err() && Names::new("").peer_lock("a/..").is_err());
    let plain = Names::new("p/");
    assert!(!plain.is_peer_lock("p/a.lock"));
    assert_eq!(plain.value(&Key::new("a.lock").unwrap()).unwrap(), "p/a.lock");
}

#[test]
fn the_newest_log_is_the_last_by_name() {
    let names = Names::new("");
    assert_eq!(names.log("job", 7), "locks/log/job/0000000007");
    assert!(names.log("job", 9) < names.log("job", 10));
    assert!(names.log("job", 10).starts_with(&names.epochs("job")));
}
