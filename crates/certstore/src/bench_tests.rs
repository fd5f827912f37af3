use std::time::Duration;

use certstore_core::{Dir, Locker, MemoryStorage, Storage};

use super::{BenchOptions, Figures, bench, hand_over};

#[test]
fn percentiles_are_nearest_ranks() {
    let times = (1..=200).rev().map(Duration::from_micros).collect();
    let figures = Figures::of("x", times);
    assert_eq!(
        (figures.p50_us, figures.p90_us, figures.p99_us, figures.rounds),
        (100.0, 180.0, 198.0, 200)
    );
    let one = Figures::of("x", vec![Duration::from_micros(7)]);
    assert_eq!((one.p50_us, one.p99_us), (7.0, 7.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_measured_and_nothing_stays() {
    let storage = MemoryStorage::new();
    let options = BenchOptions { rounds: 5, size: 10, concurrency: 2 };
    let figures = bench(&storage, &options, |_| {}).await.unwrap();
    let names: Vec<_> = figures.iter().map(|figures| figures.operation).collect();
    assert_eq!(names, ["store", "load", "stat", "exists", "list", "lock + unlock", "delete"]);
    assert!(
        figures.iter().all(|figures| figures.rounds == 5 && figures.p50_us <= figures.p99_us),
        "{figures:?}"
    );
    assert!(
        figures
            .iter()
            .all(|figures| figures.per_second.is_some() == (figures.operation != "delete"))
    );
    assert!(storage.list(&Dir::ROOT, true).await.unwrap().is_empty());
    assert!(storage.locks().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_handed_from_client_to_client() {
    let storage = MemoryStorage::new();
    let figures = hand_over(&storage, &storage.handle(), 3).await.unwrap();
    assert_eq!(figures.rounds, 3);
    assert!(storage.locks().await.unwrap().is_empty());
}
