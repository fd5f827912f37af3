use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::{Error as StorageError, ErrorKind, MemoryStorage};

use super::super::test_support::{Fleet, HOUR};
use super::*;
use crate::{InternalIssuer, Issuer as _, OnDemandConfig};

/// What a source does.
#[derive(Debug)]
enum Manner {
    Gives(Certificate),
    Nothing,
    Fails,
    Silence,
}

#[derive(Debug)]
struct Source {
    manner: Manner,
    asked: AtomicUsize,
}

impl Source {
    fn that(manner: Manner) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self { manner, asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl CertificateSource for Source {
    async fn certificate(&self, _: &Hello<'_>) -> Result<Option<Certificate>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match &self.manner {
            Manner::Gives(certificate) => Ok(Some(certificate.clone())),
            Manner::Nothing => Ok(None),
            Manner::Fails => Err(StorageError::new(ErrorKind::Unavailable, "it is away").into()),
            Manner::Silence => std::future::pending().await,
        }
    }
}

async fn made(fleet: &Fleet, name: &str) -> Certificate {
    let issuer = InternalIssuer::new(std::sync::Arc::new(MemoryStorage::new()));
    issuer.with_clock(fleet.clock.clone()).obtain(name, &|_| true).await.expect("one is made")
}

#[tokio::test(start_paused = true)]
async fn the_first_that_has_one_is_taken_before_any_is_obtained() {
    let fleet = Fleet::new();
    let theirs = made(&fleet, "a.example").await;
    let sources = [
        Source::that(Manner::Nothing),
        Source::that(Manner::Fails),
        Source::that(Manner::Silence),
        Source::that(Manner::Gives(made(&fleet, "other.example").await)),
        Source::that(Manner::Gives(theirs.clone())),
        Source::that(Manner::Fails),
    ];
    let issuer = InternalIssuer::new(fleet.storage.clone()).with_clock(fleet.clock.clone());
    let allow = OnDemandConfig::new().allow(["a.example", "b.example"]).unwrap();
    let builder = fleet.builder().issuer(issuer).on_demand(allow);
    let builder = sources.iter().fold(builder, |all, one| all.shared_source(one.clone()));
    let node = builder.build();
    let begun = tokio::time::Instant::now();
    let found = node.certificate_for(&Hello::named("A.example")).await;
    assert_eq!(found.as_ref(), Some(&theirs));
    assert_eq!(begun.elapsed(), Duration::from_secs(10), "the silent one is left");
    assert_eq!(sources.each_ref().map(|one| one.asked()), [1, 1, 1, 1, 1, 0]);
    assert!(node.cache().is_empty(), "it is kept by its source");
    // Whoever has none leaves it to the others, and what is in memory is nobody else's.
    let own = node.certificate_for(&Hello::named("b.example")).await.expect("on demand");
    assert_eq!((own.names(), own.issuer()), (&["b.example".to_owned()][..], Some("local")));
    let asked = sources[0].asked();
    node.certificate_for(&Hello::named("b.example")).await.expect("it is in memory");
    assert_eq!(sources[0].asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn one_that_has_expired_is_none() {
    let fleet = Fleet::new();
    let source = Source::that(Manner::Gives(made(&fleet, "a.example").await));
    let node = fleet.builder().shared_source(source).build();
    assert!(node.certificate_for(&Hello::named("a.example")).await.is_some());
    tokio::time::sleep(13 * HOUR).await;
    assert!(node.certificate_for(&Hello::named("a.example")).await.is_none());
}
