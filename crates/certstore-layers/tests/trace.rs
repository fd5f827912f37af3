//! What a layer tells `tracing`, alone in its process: whether a callsite is of interest is kept for the whole process, and
//! another thread without a subscriber may be the first to ask.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use certstore_core::{Key, MemoryStorage, Storage as _};
use certstore_layers::trace::TraceStorage;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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
