use super::*;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn entry(size: u64) -> Entry {
    Entry { value: None, known: None, fresh: true, size }
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let mut index = Index::new(2, 1000);
    assert!(index.insert(key("a"), entry(1)).is_empty());
    assert!(index.insert(key("b"), entry(1)).is_empty());
    assert!(index.get(&key("a")).is_some());
    assert_eq!(index.insert(key("c"), entry(1)), [key("b")]);
    assert!(index.peek(&key("a")).is_some());
    assert_eq!(index.insert(key("d"), entry(1)), [key("a")], "a peek is no use");
    assert_eq!(index.usage(), (2, 2));
}

#[test]
fn bytes_are_counted_over_replacing_and_removing() {
    let mut index = Index::new(100, 10);
    index.insert(key("a"), entry(4));
    index.insert(key("b"), entry(4));
    assert!(index.insert(key("a"), entry(6)).is_empty());
    assert_eq!(index.usage(), (2, 10));
    assert_eq!(index.insert(key("c"), entry(7)), [key("b"), key("a")]);
    assert_eq!(index.usage(), (1, 7));
    assert!(index.remove(&key("c")));
    assert!(!index.remove(&key("c")));
    assert_eq!(index.usage(), (0, 0));
    assert!(index.takes(10) && !index.takes(11));
    assert!(!Index::new(0, 10).takes(1));
}

#[test]
fn below_is_by_whole_components() {
    let mut index = Index::new(100, 100);
    for text in ["a", "a/b", "a/b/c", "ab", "a-b"] {
        index.insert(key(text), entry(1));
    }
    let mut below = index.at_and_below(&key("a"));
    below.sort();
    assert_eq!(below, [key("a"), key("a/b"), key("a/b/c")]);
    index.doubt_all();
    assert!(!index.peek(&key("ab")).unwrap().fresh);
}

#[test]
fn a_record_may_be_older_than_the_clock() {
    let confirmed = Confirmed { at: Duration::from_secs(10), older: Duration::from_secs(3600) };
    assert_eq!(confirmed.age(Duration::from_secs(15)), Duration::from_secs(3605));
    assert_eq!(confirmed.age(Duration::from_secs(5)), Duration::from_secs(3600));
}
