use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;

/// A leaf that `intermediate` has issued, and that one, which `root` has.
fn chain(intermediate: &str, root: &str) -> String {
    let authority = |name: &str| {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let root = Issuer::new(authority(root), KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let signed = authority(intermediate).signed_by(&key, &root).unwrap().pem();
    let between = Issuer::new(authority(intermediate), key);
    let leaf = CertificateParams::new(["a.example".to_owned()]).unwrap();
    leaf.signed_by(&KeyPair::generate().unwrap(), &between).unwrap().pem() + &signed
}

#[test]
fn a_chain_is_chosen_by_its_root_by_any_authority_and_by_its_size() {
    let chains =
        [chain("R1", "An old root with a long name"), chain("R2", "X2"), chain("R1", "X1")];
    let root = |names: &[&str]| {
        PreferredChain::Root(names.iter().map(ToString::to_string).collect()).choose(&chains)
    };
    assert_eq!((root(&["X1"]), root(&["X2"])), (Some(2), Some(1)));
    assert_eq!((root(&["none", "X1", "X2"]), root(&["R1"]), root(&[])), (Some(2), None, None));
    let any = |name: &str| PreferredChain::Any(vec![name.to_owned()]).choose(&chains);
    assert_eq!(
        (any("R2"), any("R1"), any("X1"), any("a.example")),
        (Some(1), Some(0), Some(2), None)
    );
    let smallest = PreferredChain::Smallest.choose(&chains).unwrap();
    assert!(chains.iter().all(|chain| chains[smallest].len() <= chain.len()));
    assert_eq!(PreferredChain::Smallest.choose(&[]), None);
    assert_eq!(PreferredChain::Any(vec!["x".into()]).choose(&["no chain".into()]), None);
}

#[test]
fn links_to_alternates_are_found_among_others() {
    let mut headers = HeaderMap::new();
    for link in [
        "<https://ca.example/dir>;rel=\"index\"",
        "<https://ca.example/cert/1>; title=\"one, or <another>\"; rel=\"alternate\", <https://ca.example/cert/2>;REL=alternate",
        "<https://ca.example/up>;rel=up, </cert/3>;rel=alternate",
        "<https://ca.example/cert/4>;rel=\"next alternate\"",
        "no link; rel=alternate",
        "<https://ca.example/open",
    ] {
        headers.append(LINK, link.parse().unwrap());
    }
    let found = alternates(&headers);
    let urls = [2, 4].map(|number| format!("https://ca.example/cert/{number}"));
    assert!(urls.iter().all(|url| found.contains(url)), "{found:?}");
    assert!(!found.iter().any(|url| url.ends_with("/up") || url.ends_with("/dir")), "{found:?}");
    let many = HeaderMap::from_iter([(
        LINK,
        "<https://ca.example/x>;rel=alternate,".repeat(50).parse().unwrap(),
    )]);
    assert_eq!(alternates(&many).len(), ALTERNATES);
}
