use super::*;

const KINDS: [CacheErrorKind; 5] = [
    CacheErrorKind::CacheMiss,
    CacheErrorKind::ReadonlyCache,
    CacheErrorKind::LocalOperation,
    CacheErrorKind::BackingOperation,
    CacheErrorKind::LockFailed,
];

#[test]
fn a_kind_is_found_in_an_error_of_the_contract() {
    for kind in KINDS {
        let error = Error::from(CacheError::new(kind, "put", "example.com"));
        assert_eq!(CacheErrorKind::of(&error), Some(kind));
        let outer = Error::new(ErrorKind::Other, "outer").with_source(error);
        assert_eq!(CacheErrorKind::of(&outer), Some(kind));
    }
}

#[test]
fn the_texts_are_one_line_and_repeat_no_source() {
    for kind in KINDS {
        let source = Error::new(ErrorKind::Unavailable, "no answer");
        let own = CacheError::new(kind, "get", "a\nb").with_source(source);
        let text = own.to_string();
        assert!(text.starts_with("cannot get \"a\\nb\": "), "{text}");
        assert!(!text.contains("no answer") && !text.contains('\n'), "{text}");
        let error = Error::from(own);
        assert!(!error.to_string().contains(&text), "{error}");
        assert_eq!(error.subject(), Some("a\\nb"));
    }
}

#[test]
fn the_storages_kind_and_doubt_stay() {
    let source = Error::new(ErrorKind::Unavailable, "no answer").with_may_have_applied(true);
    let own = CacheError::of_part(CacheErrorKind::BackingOperation, "put", "a", source);
    assert!(own.is_retryable());
    assert_eq!(own.kind(), CacheErrorKind::BackingOperation);
    let error = Error::from(own);
    assert!(error.is_retryable() && error.may_have_applied());
    let missing =
        CacheError::of_part(CacheErrorKind::LocalOperation, "get", "a", Error::not_found());
    assert_eq!(missing.kind(), CacheErrorKind::CacheMiss);
    assert_eq!(Error::from(missing).kind(), ErrorKind::NotFound);
    let readonly = Error::from(CacheError::new(CacheErrorKind::ReadonlyCache, "put", "a"));
    assert_eq!(readonly.kind(), ErrorKind::PermissionDenied);
    assert!(!readonly.is_retryable());
}
