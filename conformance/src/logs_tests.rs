use super::Logs;

#[test]
fn spans_events_and_their_fields_are_collected() {
    let logs = Logs::default();
    tracing::dispatcher::with_default(&logs.dispatch(), || {
        let span =
            tracing::trace_span!("connect", user = "alice", password = tracing::field::Empty);
        span.record("password", "hunter2");
        span.in_scope(|| tracing::debug!(token = ?Some("t0ken"), "refused {}", "the message"));
    });
    let text = logs.text();
    for part in ["connect", "alice", "hunter2", "t0ken", "refused the message"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}
