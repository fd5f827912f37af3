use super::{Versioning, deleted, error, list, versioning};

const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult>\n <Name>certs</Name>\n <Prefix>a</Prefix>\
 <IsTruncated>true</IsTruncated><NextContinuationToken>Cg=</NextContinuationToken><EncodingType>url</EncodingType>\
 <Contents><Key>a%20b</Key><LastModified>2026-01-31T23:59:59.000Z</LastModified><ETag>\"AB\"</ETag><Type>Normal</Type>\
 <Size>5</Size><Owner><ID>x</ID></Owner></Contents><Contents><Key>c&amp;&#38;d</Key></Contents>\
 <CommonPrefixes><Prefix>e/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>f/</Prefix></CommonPrefixes></ListBucketResult>";

#[test]
fn a_list_is_read() {
    let list = list(LIST.as_bytes()).unwrap();
    assert!(list.truncated && list.url_encoded);
    assert_eq!(list.next.as_deref(), Some("Cg="));
    assert_eq!(list.prefixes, ["e/", "f/"]);
    let names: Vec<_> = list.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(names, ["a%20b", "c&&d"]);
    assert_eq!(list.objects[0].etag.as_deref(), Some("\"AB\""));
    assert_eq!(list.objects[0].size.as_deref(), Some("5"));
    assert_eq!(list.objects[0].modified.as_deref(), Some("2026-01-31T23:59:59.000Z"));
    assert_eq!(list.objects[1].size, None);
}

#[test]
fn what_is_no_list_is_no_empty_one() {
    let cut = &LIST[..LIST.len() - 5];
    let deep = format!("{}{}", "<a>".repeat(50), "</a>".repeat(50));
    for body in [
        "",
        "<html></html>",
        "not xml",
        cut,
        "<ListBucketResult>",
        &deep,
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
        "<ListBucketResult></ListBucketResult><ListBucketResult></ListBucketResult>",
        "<ListBucketResult>&nobody;</ListBucketResult>",
    ] {
        assert!(list(body.as_bytes()).is_err(), "{body}");
    }
    assert!(list(b"\xff\xfe").is_err());
    assert!(list(b"<ListBucketResult/>").unwrap().objects.is_empty());
}

#[test]
fn versioning_is_told_from_its_absence() {
    let of = |status| {
        versioning(
            format!("<VersioningConfiguration>{status}</VersioningConfiguration>").as_bytes(),
        )
    };
    assert_eq!(of("").unwrap(), Versioning::Never);
    assert_eq!(of("<Status></Status>").unwrap(), Versioning::Never);
    assert_eq!(of("<Status>Enabled</Status>").unwrap(), Versioning::Kept);
    assert_eq!(of("<Status>Suspended</Status>").unwrap(), Versioning::Kept);
    assert!(versioning(b"<Other/>").is_err() && versioning(b"").is_err());
}

#[test]
fn errors_and_deletions_are_read() {
    let told = error(b"<Error><Code>NoSuchKey</Code><Message>m</Message><EC>0026-1</EC></Error>");
    assert_eq!((told.code.as_deref(), told.ec.as_deref()), (Some("NoSuchKey"), Some("0026-1")));
    assert_eq!(error(b"<Error><Code>Half</Code><Mess").code.as_deref(), Some("Half"));
    assert_eq!(error(b"<html>").code, None);
    let body = "<DeleteResult><EncodingType>url</EncodingType><Deleted><Key>a%2Fb</Key></Deleted></DeleteResult>";
    assert_eq!(deleted(body.as_bytes()).unwrap(), (vec!["a%2Fb".to_owned()], true));
    assert!(deleted(b"").is_err());
}
