use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use certstore_core::{ErrorKind, Locker as _};

use super::test_support::{Flaky, Fleet, HOUR, Handle, hash};
use super::*;
use crate::{Error, InternalIssuer};

#[tokio::test(start_paused = true)]
async fn names_are_obtained_once_and_served_by_all() {
    let fleet = Fleet::new();
    let nodes: Vec<Config> = (0..5).map(|_| fleet.node().0).collect();
    let names = ["Example.com", "*.example.com", "127.0.0.1", "bücher.example"];
    let managing = nodes.iter().map(|node| node.manage(names));
    for managed in futures_util::future::join_all(managing).await {
        managed.unwrap();
    }
    for name in ["example.com", "www.example.com", "127.0.0.1", "xn--bcher-kva.example"] {
        let served: BTreeSet<String> = nodes.iter().map(|node| hash(node, name)).collect();
        assert_eq!(served.len(), 1, "{name}");
    }
    assert_eq!(
        nodes[0].managed_names(),
        ["*.example.com", "127.0.0.1", "example.com", "xn--bcher-kva.example"]
    );
    assert!(nodes[0].get_certificate("other.org").is_none());
    assert!(fleet.storage.locks().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_served_without_the_issuer() {
    let fleet = Fleet::new();
    fleet.node().0.manage(["example.com"]).await.unwrap();
    let (node, issuer) = fleet.node();
    node.manage(["example.com"]).await.unwrap();
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 0);
    let (node, _) = fleet.node();
    assert_eq!(
        node.cache_managed_certificate("example.com").await.unwrap().hash(),
        hash(&node, "example.com")
    );
    let Err(Error::Storage(error)) = node.cache_managed_certificate("other.org").await else {
        panic!("there is none")
    };
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_renews_in_time_and_once() {
    let fleet = Fleet::new();
    let nodes: Vec<Config> = (0..3).map(|_| fleet.node().0).collect();
    let kept: Vec<Maintenance> = nodes.iter().map(Config::maintain).collect();
    for node in &nodes {
        node.manage_in_background(["example.com"]).unwrap();
    }
    let mut seen = BTreeSet::new();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..(72 * 6) {
        for node in &nodes {
            let served = node.get_certificate("example.com").expect("it is served");
            assert!(!served.has_expired(fleet.now()));
            assert_eq!(node.cache().len(), 1, "the old one goes when the new one comes");
            seen.insert(served.hash().to_owned());
        }
        tokio::time::sleep(HOUR / 6).await;
    }
    // Every 8 h 40 min: a third of 13 hours, an hour of which is backdated, before the end.
    assert_eq!(seen.len(), 10, "one for each renewal, of three nodes together");
    for kept in kept {
        kept.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_storage_stops_no_handshake_and_is_over_by_itself() {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    node.manage(["example.com"]).await.unwrap();
    let first = hash(&node, "example.com");
    let kept = node.maintain();
    fleet.storage.go_away();
    tokio::time::sleep(9 * HOUR).await;
    assert_eq!(hash(&node, "example.com"), first);
    assert_eq!(
        issuer.asked.load(Ordering::SeqCst),
        1,
        "nothing is ordered while the storage is away"
    );
    fleet.storage.come_back();
    tokio::time::sleep(HOUR).await;
    assert_ne!(hash(&node, "example.com"), first);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_and_tried_again_with_growing_pauses() {
    let fleet = Fleet::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let issuer = Flaky::new(&fleet.storage, &fleet.clock, "local");
    let teller = told.clone();
    let node = fleet
        .builder()
        .issuer(Handle(issuer.clone()))
        .on_event(move |event| {
            let text = match event {
                Event::Obtaining { renewal, .. } => format!("obtaining {renewal}"),
                Event::Obtained { renewal, .. } => format!("obtained {renewal}"),
                Event::Failed { retry_after, .. } => {
                    format!("failed {}", retry_after.unwrap().as_secs())
                }
                Event::CachedManaged { .. } => "managed".to_owned(),
                Event::CachedUnmanaged { .. } => "unmanaged".to_owned(),
                Event::OcspRevoked { .. } => "revoked by the CA".to_owned(),
                Event::Revoked { subject, .. } => format!("revoked {subject}"),
            };
            teller.lock().unwrap().push(text);
        })
        .build();
    issuer.down.store(true, Ordering::SeqCst);
    let error = node.manage(["example.com"]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let kept = node.maintain();
    tokio::time::sleep(Duration::from_secs(60 + 120 + 10)).await;
    issuer.down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(
        *told.lock().unwrap(),
        [
            "obtaining false",
            "failed 60",
            "obtaining false",
            "failed 120",
            "obtaining false",
            "failed 120",
            "obtaining false",
            "managed",
            "obtained false"
        ]
    );
    assert!(node.get_certificate("example.com").is_some());
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_issuer_is_asked_when_one_fails() {
    let fleet = Fleet::new();
    let (first, second) = (
        Flaky::new(&fleet.storage, &fleet.clock, "one"),
        Flaky::new(&fleet.storage, &fleet.clock, "two"),
    );
    let node = fleet.builder().issuer(Handle(first.clone())).issuer(Handle(second.clone())).build();
    first.down.store(true, Ordering::SeqCst);
    let made = node.obtain_cert("example.com").await.unwrap();
    assert_eq!(made.issuer(), Some("two"));
    // What the second has given is good although the first is back.
    first.down.store(false, Ordering::SeqCst);
    assert_eq!(node.obtain_cert("example.com").await.unwrap(), made);
    assert_eq!(first.asked.load(Ordering::SeqCst), 1);
    first.down.store(true, Ordering::SeqCst);
    second.down.store(true, Ordering::SeqCst);
    let error = node.renew_cert("example.com").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no issuer gave a certificate for example.com: one: no certificate for example.com: it is down; two: no certificate for example.com: it is down"
    );
    // A storage that is away is no fault of the issuer: the next is not asked.
    fleet.storage.go_away();
    let before = second.asked.load(Ordering::SeqCst);
    assert!(matches!(node.obtain_cert("example.com").await, Err(Error::Storage(_))));
    assert_eq!(second.asked.load(Ordering::SeqCst), before);
}

#[tokio::test(start_paused = true)]
async fn issuers_at_random_are_all_asked_in_the_end() {
    let fleet = Fleet::new();
    let (first, second) = (
        Flaky::new(&fleet.storage, &fleet.clock, "one"),
        Flaky::new(&fleet.storage, &fleet.clock, "two"),
    );
    let node = fleet
        .builder()
        .issuer(Handle(first))
        .issuer(Handle(second))
        .issuer_order(IssuerOrder::Random)
        .build();
    let mut names = BTreeSet::new();
    for number in 0..64 {
        let made = node.obtain_cert(&format!("n{number}.example.com")).await.unwrap();
        names.insert(made.issuer().map(str::to_owned));
    }
    assert_eq!(names.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_orders_once_whichever_issuer_each_node_asks() {
    let fleet = Fleet::new();
    let nodes: Vec<Config> = (0..6)
        .map(|number| {
            let [one, two] =
                ["one", "two"].map(|name| Handle(Flaky::new(&fleet.storage, &fleet.clock, name)));
            let (first, second) = if number % 2 == 0 { (one, two) } else { (two, one) };
            fleet.builder().issuer(first).issuer(second).build()
        })
        .collect();
    for name in ["a.example.com", "b.example.com"] {
        let obtained = nodes.iter().map(|node| node.obtain_cert(name));
        let obtained = futures_util::future::join_all(obtained).await;
        let hashes: BTreeSet<_> =
            obtained.into_iter().map(|made| made.unwrap().hash().to_owned()).collect();
        assert_eq!(hashes.len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_ask_the_same_issuer_at_random() {
    let fleet = Fleet::new();
    let node = || {
        let [one, two] =
            ["one", "two"].map(|name| Handle(Flaky::new(&fleet.storage, &fleet.clock, name)));
        fleet.builder().issuer(one).issuer(two).issuer_order(IssuerOrder::Random).build()
    };
    let (node, other) = (node(), node());
    for number in 0..32 {
        let name = format!("n{number}.example.com");
        let first = |node: &Config| node.issuers_for(&name)[0].name().to_owned();
        assert_eq!(first(&node), first(&other));
    }
}

#[tokio::test(start_paused = true)]
async fn renew_gives_a_new_one_in_the_place_of_the_old() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    let old = node.obtain_cert("example.com").await.unwrap();
    assert_eq!(node.obtain_cert("example.com").await.unwrap(), old);
    let new = node.renew_cert("example.com").await.unwrap();
    assert_ne!(new, old);
    assert_eq!(node.cache().certificates(), [new]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_name_manages_none() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    for names in [["example.com", "a b"], ["", "example.com"]] {
        let Err(Error::Storage(error)) = node.manage(names).await else { panic!("{names:?}") };
        assert_eq!(error.kind(), ErrorKind::InvalidKey);
        assert!(node.manage_in_background(names).is_err());
    }
    assert!(node.managed_names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_name_that_fails_does_not_stop_the_others() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    // Held by somebody else for ever.
    let held = fleet.storage.lock(&"issue_cert_held.example.com".parse().unwrap()).await.unwrap();
    let kept = node.maintain();
    node.manage_in_background(["held.example.com", "free.example.com"]).unwrap();
    tokio::time::sleep(HOUR).await;
    assert!(node.get_certificate("held.example.com").is_none());
    let first = hash(&node, "free.example.com");
    tokio::time::sleep(9 * HOUR).await;
    assert_ne!(hash(&node, "free.example.com"), first, "it is renewed meanwhile");
    held.unlock().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(node.get_certificate("held.example.com").is_some());
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_panics_is_tried_again_later() {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    issuer.panics.store(true, Ordering::SeqCst);
    let kept = node.maintain();
    node.manage_in_background(["example.com"]).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1, "not at once");
    issuer.panics.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(node.get_certificate("example.com").is_some());
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_stopped_in_the_middle_leaves_no_lock() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    let held = fleet.storage.lock(&"issue_cert_example.com".parse().unwrap()).await.unwrap();
    let kept = node.maintain();
    node.manage_in_background(["example.com"]).unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    kept.stop().await;
    held.unlock().await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(fleet.storage.locks().await.unwrap().is_empty());
    // Whoever comes next takes it up.
    node.renew_managed_certificates().await;
    assert!(node.get_certificate("example.com").is_some());
}

#[tokio::test(start_paused = true)]
async fn who_is_not_managed_any_more_is_not_renewed() {
    let fleet = Fleet::new();
    let (node, issuer) = fleet.node();
    node.manage(["example.com"]).await.unwrap();
    let kept = node.maintain();
    assert!(node.unmanage("Example.COM") && !node.unmanage("example.com"));
    tokio::time::sleep(20 * HOUR).await;
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unmanaged_certificates_are_served() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(["own.example".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let folder = std::env::temp_dir().join(format!("certstore-unmanaged-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (chain, private) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let one = node.cache_unmanaged_pem_files(&chain, &private).unwrap();
    let two = node.cache_unmanaged_pem(&made.pem(), &key.serialize_pem()).unwrap();
    let three = node.cache_unmanaged_rustls(one.certified_key().clone()).unwrap();
    assert!(one == two && two == three && one.issuer().is_none());
    assert_eq!(hash(&node, "own.example"), one.hash());
    assert_eq!(node.cache().len(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
    let Err(Error::Storage(error)) = node.cache_unmanaged_pem_files(&chain, &private) else {
        panic!("the files are gone")
    };
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("chain.pem"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_drops_manage_leaves_every_name_to_maintenance() {
    let fleet = Fleet::new();
    let (node, _) = fleet.node();
    let held = fleet.storage.lock(&"issue_cert_n0.example.com".parse().unwrap()).await.unwrap();
    let names: Vec<String> = (0..60).map(|at| format!("n{}.example.com", at / 2)).collect();
    let dropped = tokio::time::timeout(Duration::ZERO, node.manage(&names)).await;
    assert!(dropped.is_err());
    let kept = node.maintain();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(node.cache().len(), 29, "all but the one that is held");
    held.unlock().await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(node.cache().len(), 30);
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_due_as_soon_as_it_is_obtained_is_not_obtained_without_pause() {
    let fleet = Fleet::new();
    // By a policy that nothing the issuer gives can meet.
    let renewal = RenewalPolicy { before: 1000 * HOUR, ..RenewalPolicy::default() };
    let short = InternalIssuer::new(fleet.storage.clone())
        .with_clock(fleet.clock.clone())
        .with_lifetime(Duration::from_secs(60));
    let node = fleet.builder().issuer(short).renewal(renewal).build();
    let kept = node.maintain();
    node.manage_in_background(["example.com"]).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seen.insert(hash(&node, "example.com"));
        assert!(!node.get_certificate("example.com").unwrap().has_expired(fleet.now()));
    }
    assert!((10..=20).contains(&seen.len()), "{} of a minute each in ten minutes", seen.len());
    kept.stop().await;
}

#[tokio::test(start_paused = true)]
async fn renew_takes_no_other_issuers_old_certificate() {
    let fleet = Fleet::new();
    let (first, second) = (
        Flaky::new(&fleet.storage, &fleet.clock, "one"),
        Flaky::new(&fleet.storage, &fleet.clock, "two"),
    );
    let node = fleet.builder().issuer(Handle(first.clone())).issuer(Handle(second.clone())).build();
    let old = node.obtain_cert("example.com").await.unwrap();
    first.down.store(true, Ordering::SeqCst);
    let newer = node.renew_cert("example.com").await.unwrap();
    assert_eq!((old.issuer(), newer.issuer()), (Some("one"), Some("two")));
    let newest = node.renew_cert("example.com").await.unwrap();
    assert!(newest != old && newest != newer, "{newest:?}");
}
