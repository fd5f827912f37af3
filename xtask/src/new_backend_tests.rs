use super::*;

#[test]
fn names_go_where_they_belong() {
    assert_eq!(
        filled("certstore-{{name}} {{Name}}Storage {{{Name}}Config}", "s3"),
        "certstore-s3 S3Storage {S3Config}"
    );
}

#[test]
fn the_workspace_gains_a_member() {
    let manifest = read(&root().join("Cargo.toml")).unwrap();
    let more = with_member(&manifest, "shelf").unwrap();
    assert!(more.contains("    \"crates/certstore-shelf\", # "));
    assert!(more.contains("\ncertstore-shelf = { path = \"crates/certstore-shelf\", version = "));
    assert_eq!(more.lines().count(), manifest.lines().count() + 2);
}

#[test]
fn bad_names_write_nothing() {
    let folder = std::env::temp_dir().join(format!("certstore-new-backend-{}", std::process::id()));
    for name in ["", "S3", "a-b", "../x", "3s"] {
        assert!(outside(name, &folder).is_err(), "{name}");
    }
    assert!(!folder.exists());
}
