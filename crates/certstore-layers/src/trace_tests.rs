use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certstore_core::{Condition, Key, Locker as _, MemoryStorage, Storage as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Counts, TraceStorage};
use crate::test_clock::TestClock;

/// Every span and event of this module, as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a String takes it");
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().ends_with("trace")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        self.0.lock().expect("whole").push(line.0);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("whole").push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

#[tokio::test]
async fn operations_are_told_with_their_outcome_and_never_a_value() {
    let told = Told::default();
    let _guard = tracing::subscriber::set_default(told.clone());
    let storage = TraceStorage::new(Arc::new(MemoryStorage::new()));
    storage.store(&key("a/b"), b"a private key").await.unwrap();
    storage.load(&key("a/b")).await.unwrap();
    storage.load(&key("a/c")).await.unwrap_err();
    let lines = told.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 6, "a span and an event each: {lines:#?}");
    assert_eq!(lines[0], r#"span certstore backend="memory" operation="store" subject="a/b""#);
    assert!(
        lines[1].starts_with(
            r#"DEBUG message=done outcome="ok" monotonic_counter.certstore_operations=1"#
        ),
        "{}",
        lines[1]
    );
    assert!(lines[5].contains(r#"outcome="not found""#), "{}", lines[5]);
    assert!(!lines.iter().any(|line| line.contains("private")), "{lines:#?}");
}

#[tokio::test]
async fn a_wait_for_a_lock_is_counted_with_its_time() {
    let clock = TestClock::new();
    let storage = TraceStorage::with_clock(Arc::new(MemoryStorage::new()), clock.clone());
    let name = "job".parse().unwrap();
    let held = storage.lock(&name).await.unwrap();
    assert!(storage.try_lock(&name).await.unwrap().is_none());
    let waiting = storage.clone();
    let waiter = tokio::spawn(async move { waiting.lock(&"job".parse().unwrap()).await });
    while storage.counts().operations < 3 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(7));
    held.unlock().await.unwrap();
    waiter.await.unwrap().unwrap().unlock().await.unwrap();
    let counts = storage.counts();
    assert_eq!((counts.operations, counts.locks), (3, 2));
    assert_eq!(counts.lock_wait, Duration::from_secs(7));
}

#[tokio::test]
async fn answers_are_told_apart_from_failures() {
    let inside = MemoryStorage::new();
    let storage = TraceStorage::new(Arc::new(inside));
    storage.store(&key("a"), b"1").await.unwrap();
    storage.store_if(&key("a"), b"2", &Condition::Absent).await.unwrap_err();
    let both = storage.load_many(&[&key("a"), &key("b")]).await;
    assert!(both[0].is_ok() && both[1].is_err());
    storage.store(&key("a/b"), b"1").await.unwrap_err();
    let expected = Counts { operations: 4, refused: 2, ..Counts::default() };
    assert_eq!(storage.counts(), expected);
}
