use std::sync::atomic::AtomicUsize;

use certstore_core::ErrorKind;
use tokio::sync::Semaphore;

use super::*;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// Counts who asks, and lets nobody have an answer before it is told to.
struct Source {
    asked: AtomicUsize,
    answers: Semaphore,
    fails: bool,
}

impl Source {
    fn new(fails: bool) -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), answers: Semaphore::new(0), fails })
    }

    async fn ask(&self) -> Result<Loaded> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.answers.acquire().await.unwrap().forget();
        if self.fails {
            let cause = std::io::Error::other("refused");
            return Err(Error::new(ErrorKind::Unavailable, "no answer")
                .with_operation("load")
                .with_subject("a")
                .with_backend("test")
                .with_source(cause));
        }
        Ok(Loaded { value: Bytes::from(number.to_string()), version: None })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Starts a load, and waits until it stands in the queue or asks.
async fn start(
    flights: &Arc<Flights>,
    source: &Arc<Source>,
    share: Share,
) -> tokio::task::JoinHandle<Result<Loaded>> {
    let (flights, source) = (flights.clone(), source.clone());
    let task =
        tokio::spawn(async move { flights.enter(&key("a")).share(share, source.ask()).await });
    // Current-thread runtime: one turn takes the task to its first await that waits.
    tokio::task::yield_now().await;
    task
}

async fn text(task: tokio::task::JoinHandle<Result<Loaded>>) -> String {
    String::from_utf8(task.await.unwrap().unwrap().value.to_vec()).unwrap()
}

#[tokio::test]
async fn who_comes_later_shares_a_request_that_began_later() {
    let (flights, source) = (Arc::new(Flights::default()), Source::new(false));
    let first = start(&flights, &source, Share::Later).await;
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(start(&flights, &source, Share::Later).await);
    }
    assert_eq!(source.asked(), 1, "the others wait");
    source.answers.add_permits(1000);
    assert_eq!(text(first).await, "1");
    for other in others {
        assert_eq!(text(other).await, "2", "what was stored meanwhile is seen");
    }
    assert_eq!(source.asked(), 2);
    assert!(flights.slots().is_empty(), "nobody is busy");
}

#[tokio::test]
async fn a_running_request_is_shared_where_that_is_enough() {
    let (flights, source) = (Arc::new(Flights::default()), Source::new(false));
    let mut all = Vec::new();
    for _ in 0..100 {
        all.push(start(&flights, &source, Share::Running).await);
    }
    source.answers.add_permits(1000);
    for one in all {
        assert_eq!(text(one).await, "1");
    }
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn when_the_one_that_asks_is_cancelled_another_asks() {
    let (flights, source) = (Arc::new(Flights::default()), Source::new(false));
    let leader = start(&flights, &source, Share::Running).await;
    let (second, third) = (
        start(&flights, &source, Share::Running).await,
        start(&flights, &source, Share::Running).await,
    );
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    tokio::task::yield_now().await;
    assert_eq!(source.asked(), 2, "one of those who waited");
    source.answers.add_permits(1000);
    assert_eq!((text(second).await, text(third).await), ("2".to_owned(), "2".to_owned()));
    assert_eq!(source.asked(), 2);
    assert!(flights.slots().is_empty());
}

#[tokio::test]
async fn one_who_waits_can_be_cancelled() {
    let (flights, source) = (Arc::new(Flights::default()), Source::new(false));
    let leader = start(&flights, &source, Share::Later).await;
    let waiting = start(&flights, &source, Share::Later).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    source.answers.add_permits(1);
    assert_eq!(text(leader).await, "1");
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn all_have_the_error_and_its_source() {
    let (flights, source) = (Arc::new(Flights::default()), Source::new(true));
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(start(&flights, &source, Share::Running).await);
    }
    source.answers.add_permits(1000);
    for one in all {
        let error = one.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "test: cannot load \"a\": no answer");
        assert_eq!(error.source().expect("a source").to_string(), "refused");
        assert!(error.is_retryable());
    }
    assert_eq!(source.asked(), 1);
}

#[test]
fn changes_reach_those_who_are_busy() {
    let flights = Flights::default();
    let (file, below, other) =
        (flights.enter(&key("a/b")), flights.enter(&key("a/b/c")), flights.enter(&key("a/bc")));
    flights.changed(&key("a/b"));
    assert_eq!((file.epoch(), below.epoch(), other.epoch()), (1, 0, 0));
    flights.changed_below(&key("a/b"));
    assert_eq!((file.epoch(), below.epoch(), other.epoch()), (2, 1, 0));
    flights.changed_all();
    assert_eq!((file.epoch(), below.epoch(), other.epoch()), (3, 2, 1));
    let again = flights.enter(&key("a/b"));
    assert_eq!(again.change(), 4);
    drop(file);
    assert_eq!(flights.enter(&key("a/b")).epoch(), 4, "still busy");
    drop((again, below, other));
    assert!(flights.slots().is_empty());
}
