use certstore_core::ErrorKind;
use futures_util::FutureExt as _;
use redis::parse_redis_value;

use super::*;

const QUEUED: [&str; 3] = ["+OK", "+QUEUED", "+QUEUED"];

fn value(text: &str) -> Value {
    parse_redis_value(format!("{text}\r\n").as_bytes()).expect("an answer")
}

fn answers(texts: [&str; 4]) -> Vec<Value> {
    texts.iter().map(|text| value(text)).collect()
}

fn outcome_of(texts: [&str; 4]) -> Result<(Transaction<Value>, bool)> {
    outcome(unless_refused(answers(texts)).expect("the write is not refused"))
}

fn exec(text: &str) -> Result<(Transaction<Value>, bool)> {
    let [multi, write, publish] = QUEUED;
    outcome_of([multi, write, publish, text])
}

#[test]
fn what_was_executed_gives_the_answer_of_the_write() {
    let done = |found| (Transaction::Done(found), false);
    assert_eq!(exec("*2\r\n+OK\r\n:3").expect("done"), done(Value::Okay));
    assert_eq!(exec("*2\r\n_\r\n:3").expect("nothing there"), done(Value::Nil));
    let untold = exec("*2\r\n+OK\r\n-NOPERM changed meanwhile").expect("done");
    assert_eq!(untold, done(Value::Okay));
    let error = exec("*2\r\n-NOPERM changed meanwhile\r\n:0").expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
}

#[test]
fn what_was_not_executed_is_left_to_a_script() {
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    let [multi, write, _] = QUEUED;
    for (publish, exec, forbidden) in [
        ("-NOPERM no permissions to run 'publish'", aborted, true),
        ("-ERR unknown command 'PUBLISH'", aborted, true),
        ("-OOM command not allowed", aborted, false),
        ("+QUEUED", "-EXECABORT Transaction discarded because of: NOPERM 'exec'", true),
        ("+QUEUED", aborted, false),
    ] {
        let found = outcome_of([multi, write, publish, exec]).expect("nothing done");
        assert_eq!(found, (Transaction::NotOffered, forbidden), "{publish} {exec}");
    }
}

#[test]
fn a_transaction_that_was_not_begun_is_a_write_by_itself() {
    let found = outcome_of(["-NOPERM 'multi'", "+OK", ":0", "-ERR EXEC without MULTI"]);
    assert_eq!(found.expect("done"), (Transaction::Done(Value::Okay), true));
}

#[test]
fn a_write_that_is_refused_is_its_own_error() {
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    for (write, code) in [("-OOM command not allowed", "OOM"), ("-READONLY a replica", "READONLY")]
    {
        let error = unless_refused(answers(["+OK", write, "+QUEUED", aborted]));
        assert_eq!(error.expect_err("refused").code(), Some(code));
    }
}

#[test]
fn answers_of_another_form_leave_it_open() {
    for text in ["_", ":1", "*1\r\n+OK", "*3\r\n+OK\r\n:1\r\n:1"] {
        let error = exec(text).expect_err("no such answer");
        assert!(error.may_have_applied(), "{text}: {error:?}");
    }
    assert!(outcome(Value::Array(vec![Value::Okay])).is_err());
    assert!(outcome(Value::Okay).is_err());
}

#[tokio::test]
async fn a_channel_that_is_listened_to_is_heard_from_the_first_try() {
    let transactions = Transactions::default();
    assert!(transactions.unheard("a").is_none(), "not learnt");
    transactions.allowed.store(true, Ordering::Relaxed);
    let on_its_way = transactions.unheard("a").expect("nobody listens");
    let mut hearing = Box::pin(transactions.hear(b"a"));
    assert!((&mut hearing).now_or_never().is_none(), "one is on its way");
    assert!(transactions.unheard("a").is_none(), "somebody is about to listen");
    drop(on_its_way);
    hearing.await;
    assert!(transactions.unheard("a").is_none());
    assert!(transactions.unheard("b").is_some());
}
