use super::*;

fn object(body: &'static str) -> Object {
    Object {
        body: Bytes::from_static(body.as_bytes()),
        etag: super::super::checksum::etag(body.as_bytes()),
        ..Object::default()
    }
}

fn store(versioning: Versioning) -> Store {
    let mut store = Store::default();
    store.add_bucket("b", versioning);
    store
}

fn absent() -> Conditions {
    Conditions { if_match: None, if_absent: true }
}

fn matches(object: &Object) -> Conditions {
    Conditions { if_match: Some(Tag::Is(object.etag.clone())), if_absent: false }
}

fn code(result: S3Result<impl Sized>) -> String {
    result.err().map(|error| error.code().as_str().to_owned()).unwrap_or_default()
}

#[test]
fn conditions_of_writes() {
    let mut store = store(Versioning::Off);
    let none = Conditions::default();
    assert_eq!(code(store.put("b", "k", object("1"), &matches(&object("1")))), "NoSuchKey");
    assert_eq!(store.put("b", "k", object("1"), &absent()).unwrap(), None);
    assert_eq!(code(store.put("b", "k", object("2"), &absent())), "PreconditionFailed");
    assert_eq!(
        code(store.put("b", "k", object("2"), &matches(&object("0")))),
        "PreconditionFailed"
    );
    store.put("b", "k", object("2"), &matches(&object("1"))).unwrap();
    assert_eq!(code(store.delete("b", "k", None, &matches(&object("1")))), "PreconditionFailed");
    store.delete("b", "k", None, &matches(&object("2"))).unwrap();
    store.delete("b", "k", None, &matches(&object("2"))).unwrap();
    assert_eq!(code(store.put("c", "k", object("1"), &none)), "NoSuchBucket");
}

#[test]
fn a_marker_counts_as_absent() {
    let mut store = store(Versioning::Enabled);
    let first = store.put("b", "k", object("1"), &absent()).unwrap().unwrap();
    assert_eq!(code(store.put("b", "k", object("2"), &absent())), "PreconditionFailed");
    let marker = store.delete("b", "k", None, &Conditions::default()).unwrap();
    assert!(marker.marker);
    assert_eq!(code(store.put("b", "k", object("2"), &matches(&object("1")))), "NoSuchKey");
    store.put("b", "k", object("2"), &absent()).unwrap();
    let old = store.bucket("b").unwrap().version("k", Some(&first)).unwrap();
    assert_eq!(old.object.as_ref().unwrap().body, "1");
}

#[test]
fn suspended_versions_replace_the_null_version_only() {
    let mut store = store(Versioning::Enabled);
    let none = Conditions::default();
    store.put("b", "k", object("1"), &none).unwrap();
    store.bucket_mut("b").unwrap().versioning = Versioning::Suspended;
    for body in ["2", "3"] {
        assert_eq!(store.put("b", "k", object(body), &none).unwrap().unwrap(), "null");
    }
    let bodies = |store: &Store| -> Vec<Bytes> {
        let versions = &store.bucket("b").unwrap().keys["k"];
        versions
            .iter()
            .flat_map(|version| &version.object)
            .map(|object| object.body.clone())
            .collect()
    };
    assert_eq!(bodies(&store), ["1", "3"]);
    store.delete("b", "k", Some("null"), &none).unwrap();
    assert_eq!(bodies(&store), ["1"]);
}
