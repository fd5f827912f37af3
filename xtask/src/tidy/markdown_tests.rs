use super::*;

fn known() -> Known {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Known {
        crates: set(&["certstore-fs", "certstore-cli"]),
        xtask: set(&["test"]),
        cli: set(&["put"]),
        variables: set(&["CERTSTORE_CONFIG"]),
        clauses: set(&["STORE-1", "STORE-2"]),
    }
}

#[test]
fn what_exists_passes() {
    for line in [
        "See [the trait](../crates/certstore-core/src/storage.rs) and [crates](https://example.com/x).",
        "`crates/certstore-core/src/{key,storage}.rs`, `crates/certstore-NAME/src/lib.rs`, `certstore-fs`",
        "`cargo xtask test`, `cargo test -p certstore-fs`, `certstore --storage memory: put KEY -`",
        "`certstore-redis` is planned",
        "STORE-2 and SHA-256, `xtask/src/tidy/markdown_tests.rs::what_exists_passes`",
        "[`Storage`](crate::Storage) and `CERTSTORE_CONFIG=x.toml`",
    ] {
        assert_eq!(prose("docs/x.md", line, &known()), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn what_does_not_exist_is_named() {
    for (line, part) in [
        ("[x](nowhere.md)", "nowhere.md"),
        ("`crates/certstore-core/src/nowhere.rs`", "nowhere.rs"),
        ("`crates/certstore-core/src/{key,nowhere}.rs`", "nowhere.rs"),
        ("`certstore-redis`", "certstore-redis"),
        ("`cargo xtask nothing`", "nothing"),
        ("`cargo test -p certstore-nothing`", "certstore-nothing"),
        ("`cargo test -p certstore-fs --test nowhere`", "nowhere"),
        ("`certstore --json nothing`", "nothing"),
        ("`CERTSTORE_NOTHING`", "CERTSTORE_NOTHING"),
        ("STORE-1 to STORE-9", "STORE-9"),
        ("`xtask/src/tidy/markdown_tests.rs::nothing`", "nothing"),
    ] {
        let found = prose("docs/x.md", line, &known());
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains(part), "{line}: {found:?}");
    }
    assert_eq!(code("$ X=1 cargo xtask nothing", &known()).len(), 1);
}
