use certstore_core::Dir;

use super::{Range, above, joined, reaching_over, split};

#[test]
fn a_key_is_split_at_its_last_slash() {
    assert_eq!(split("a/b/c"), ("a/b", "c"));
    assert_eq!(split("a"), ("", "a"));
    for key in ["a", "a/b", "a/b/c"] {
        let (parent, name) = split(key);
        assert_eq!(joined(parent, name), key);
    }
}

#[test]
fn directories_stand_from_the_root_down() {
    assert_eq!(above(""), (vec![], vec![]));
    assert_eq!(above("a"), (vec![""], vec!["a"]));
    assert_eq!(above("a/b/c"), (vec!["", "a", "a/b"], vec!["a", "b", "c"]));
}

#[test]
fn a_range_holds_what_lies_below_and_nothing_beside() {
    let range = Range::below(&Dir::new("a").unwrap());
    let inside = |parent: &str| parent >= range.prefix.as_str() && parent < range.end.as_str();
    assert!(inside("a/b") && inside("a/b/c") && inside("a/-"));
    assert!(!inside("a") && !inside("a-b") && !inside("a.b/c") && !inside("a0") && !inside("ab"));
    let root = Range::below(&Dir::ROOT);
    assert!("zz" < root.end.as_str() && "\u{e000}" < root.end.as_str());
}

/// Every parent that sorts before a path, but has a file after it, is found.
#[test]
fn no_parent_reaches_over_unseen() {
    let paths = ["a/c-/g", "a/c/d", "a-b/y", "a.b", "a/b", "z", "a/c.x/y/z-", "ab/x+y.z/k"];
    let mut parents: Vec<String> = vec![String::new()];
    for path in paths {
        parents.extend((1..path.len()).map(|at| path[..at].to_owned()));
    }
    for dir in ["", "a"] {
        let dir = Dir::new(dir).unwrap();
        for last in paths.iter().filter(|path| dir.is_root() || path.starts_with("a/")) {
            let found = reaching_over(&dir, last);
            for parent in &parents {
                let below = dir.is_root() || parent == "a" || parent.starts_with("a/");
                let after = ["!", "-", "0", "a", "zz"].map(|name| joined(parent, name));
                let reaches = after.iter().any(|path| path.as_str() > *last);
                if below && parent.as_str() < *last && reaches {
                    assert!(found.contains(&parent.as_str()), "{parent:?} of {last:?}: {found:?}");
                }
            }
        }
    }
}
