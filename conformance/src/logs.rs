//! Collects what a backend logs, as text.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// The collected text of all spans and events, of every level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<String>>);

impl Logs {
    /// A dispatcher that writes here.
    pub(crate) fn dispatch(&self) -> Dispatch {
        // While there is only one, tracing asks the thread that comes first to a callsite, which may have none.
        static SECOND: LazyLock<Dispatch> =
            LazyLock::new(|| Dispatch::new(Collector::of(Logs::default())));
        LazyLock::force(&SECOND);
        Dispatch::new(Collector::of(self.clone()))
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, what: &str, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(String::new());
        record(&mut fields);
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(what);
        text.push_str(&fields.0);
        text.push('\n');
    }
}

struct Collector {
    logs: Logs,
    spans: AtomicU64,
}

impl Collector {
    fn of(logs: Logs) -> Self {
        Self { logs, spans: AtomicU64::new(1) }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.logs.write(span.metadata().name(), |fields| span.record(fields));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.logs.write("record", |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.logs.write(event.metadata().target(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {field}={value:?}");
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
