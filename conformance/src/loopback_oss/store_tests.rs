use std::time::SystemTime;

use bytes::Bytes;

use super::{Object, Store, Versioning};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn of(body: &'static str) -> Object {
    Object { body: Bytes::from_static(body.as_bytes()), ..Object::default() }
}

fn store(versioning: Versioning) -> Store {
    let mut store = Store::default();
    store.add_bucket("b", versioning);
    store
}

fn body(store: &Store) -> Option<String> {
    let object = store.bucket("b").unwrap().current("k")?;
    Some(String::from_utf8(object.body.to_vec()).unwrap())
}

fn append(store: &mut Store, position: u64, more: &'static str) -> Result<u64, &'static str> {
    let appended = store.append("b", "k", Some(position), &of(more), NOW);
    appended.map(|done| done.object.body.len() as u64).map_err(|refusal| refusal.code)
}

#[test]
fn an_append_is_a_compare_and_set_on_the_length() {
    let mut store = store(Versioning::Off);
    assert_eq!(append(&mut store, 3, "abc"), Err("PositionNotEqualToLength"));
    assert_eq!(append(&mut store, 0, ""), Ok(0));
    assert_eq!(append(&mut store, 0, "abc"), Ok(3));
    assert_eq!(append(&mut store, 0, "abc"), Err("PositionNotEqualToLength"));
    assert_eq!(append(&mut store, 3, "def"), Ok(6));
    assert_eq!(body(&store).unwrap(), "abcdef");
    store.put("b", "k", of("normal"), false, NOW).unwrap();
    assert_eq!(append(&mut store, 6, "x"), Err("ObjectNotAppendable"));
}

#[test]
fn versions_are_kept_of_puts_and_deletes_and_not_of_appends() {
    let mut store = store(Versioning::Enabled);
    append(&mut store, 0, "abc").unwrap();
    append(&mut store, 3, "def").unwrap();
    assert_eq!(store.bucket("b").unwrap().keys["k"].len(), 1);
    let old = store.bucket("b").unwrap().keys["k"][0].id.clone();
    assert!(store.delete("b", "k", None, NOW).unwrap().marker);
    assert_eq!(body(&store), None);
    // The log begins anew on the delete marker; the old one stays as it was.
    assert_eq!(append(&mut store, 6, "x"), Err("PositionNotEqualToLength"));
    assert_eq!(append(&mut store, 0, "new"), Ok(3));
    let bucket = store.bucket("b").unwrap();
    assert_eq!(bucket.version("k", Some(&old)).unwrap().object.as_ref().unwrap().body, "abcdef");
    assert_eq!(bucket.keys["k"].len(), 3);
}

#[test]
fn forbidding_to_overwrite_has_an_effect_only_where_no_versions_were_ever_kept() {
    for (versioning, refused) in
        [(Versioning::Off, true), (Versioning::Enabled, false), (Versioning::Suspended, false)]
    {
        let mut store = store(versioning);
        store.put("b", "k", of("first"), true, NOW).unwrap();
        let second = store.put("b", "k", of("second"), true, NOW);
        assert_eq!(second.is_err(), refused, "{versioning:?}");
    }
}
