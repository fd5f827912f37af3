use super::*;
use crate::metadata::Dependency;

fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
    let dependencies = dependencies
        .iter()
        .map(|(name, dev)| Dependency { name: (*name).to_owned(), dev: *dev })
        .collect();
    Package { name: name.to_owned(), folder: format!("crates/{name}"), publish: true, dependencies }
}

#[test]
fn downward_edges_pass() {
    let members = [
        package("certstore-core", &[("bytes", false), ("certstore-conformance", true)]),
        package("certstore-fs", &[("certstore-core", false), ("certstore-conformance", true)]),
        package("certstore-s3", &[("certstore-objects", false), ("certstore-aws", false)]),
        package("certstore-layers", &[("certstore-core", false), ("certstore-redis", true)]),
        package("certstore-certon", &[("certstore-adapter", false), ("certstore-layers", false)]),
        package("certstore-adapter", &[("certstore-core", false)]),
        package("certstore-instant-acme", &[("certstore", false), ("certstore-redis", true)]),
        package("certstore", &[("certstore-core", false), ("certstore-fs", false)]),
        package("certstore-cli", &[("certstore", false), ("certstore-conformance", false)]),
        package("xtask", &[("certstore-fs", true)]),
    ];
    assert_eq!(check(&members), Vec::<String>::new());
}

#[test]
fn upward_and_sideways_edges_are_named() {
    for (from, to, dev) in [
        ("certstore-core", "certstore-fs", false),
        ("certstore-fs", "certstore-redis", false),
        ("certstore-fs", "certstore-redis", true),
        ("certstore-fs", "certstore-conformance", false),
        ("certstore-layers", "certstore-redis", false),
        ("certstore-objects", "certstore-s3", true),
        ("certstore-certon", "certstore-redis", false),
        ("certstore-adapter", "certstore-certon", true),
        ("certstore", "certstore-instant-acme", false),
        ("certstore-conformance", "certstore-fs", false),
        ("certstore", "certstore-conformance", false),
        ("certstore-core", "xtask", true),
        ("xtask", "certstore-core", false),
    ] {
        let found = check(&[package(from, &[(to, dev)])]);
        assert_eq!(found.len(), 1, "{from} -> {to}");
        assert!(found[0].contains(&format!("{from} -> {to}")), "{}", found[0]);
    }
}

#[test]
fn the_core_stays_small() {
    let many: Vec<(String, bool)> =
        (0..9).map(|number| (format!("dependency-{number}"), false)).collect();
    let many: Vec<(&str, bool)> = many.iter().map(|(name, dev)| (name.as_str(), *dev)).collect();
    assert_eq!(check(&[package("certstore-core", &many)]).len(), 1);
    assert_eq!(check(&[package("certstore-core", &many[..8])]).len(), 0);
    assert_eq!(check(&[package("certstore-fs", &many)]).len(), 0);
}
