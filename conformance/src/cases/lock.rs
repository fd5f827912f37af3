//! Acquiring: cancelled, dropped, by any name, in order.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certstore_core::{ErrorKind, Lock, LockName, MAX_LOCK_NAME};
use futures_util::future::try_join_all;

use crate::case::{Case, Stop, ensure, same};
use crate::context::{Client, Context, ensure_held, name, within};
use crate::fault::{MAX_CUTS, cut_after};

/// Fails unless `client` gets the lock soon, and not only because a lease ran out.
async fn ensure_free(cx: &Context, client: &Client, name: &LockName, after: &str) -> Case {
    let what = format!("the lock after {after}");
    let lock = within(cx.release_limit(), &what, client.lock(name)).await??;
    Ok(lock.unlock().await?)
}

pub(crate) async fn lock_5(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let free = name("lock-5-free");
    for polls in 1..=MAX_CUTS {
        let ended = cut_after(client.lock(&free), polls).await;
        let done = ended.is_some();
        if let Some(lock) = ended {
            lock?.unlock().await?;
        }
        let after = format!("a lock future dropped at its await {polls}");
        ensure_free(cx, &other, &free, &after).await?;
        ensure_free(cx, &client, &free, &after).await?;
        if done {
            break;
        }
    }
    lock_5_waiting(cx, &client, &other).await
}

/// The same while somebody else holds the lock: nothing of the waiter may be left.
async fn lock_5_waiting(cx: &Context, client: &Client, other: &Client) -> Case {
    let held = name("lock-5-held");
    for polls in 1..=6 {
        for holder in [client, other] {
            let lock = holder.lock(&held).await?;
            let waited =
                tokio::time::timeout(cx.release_limit() / 10, cut_after(client.lock(&held), polls));
            let got = matches!(waited.await, Ok(Some(_)));
            ensure!(!got, "a waiter got a lock that is held");
            lock.check()?;
            lock.unlock().await?;
            let after = format!("a waiting lock future dropped at its await {polls}");
            ensure_free(cx, other, &held, &after).await?;
            ensure_free(cx, client, &held, &after).await?;
        }
    }
    Ok(())
}

pub(crate) async fn lock_6(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let dropped = name("lock-6");
    for (holder, next) in [(&client, &other), (&client, &client), (&other, &client)] {
        let lock = holder.lock(&dropped).await?;
        ensure_held(next, &dropped, "before the guard is dropped").await?;
        drop(lock);
        ensure_free(cx, next, &dropped, "a dropped guard").await?;
        let lock = holder.lock(&dropped).await?;
        // Guards are dropped wherever a value is: also outside the runtime.
        let thread = std::thread::spawn(move || drop(lock));
        thread.join().map_err(|_| Stop::failed("dropping a guard outside the runtime panics"))?;
        ensure_free(cx, next, &dropped, "a guard dropped outside the runtime").await?;
    }
    Ok(())
}

pub(crate) async fn lock_7(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let longest = "n".repeat(MAX_LOCK_NAME);
    let names = [
        "a",
        "issue_cert_example.com",
        "issue_cert_*.example.com",
        "with space and \"quotes\"",
        "b\u{fc}cher.example/\u{4f8b}.\u{e000}",
        "../../etc/passwd",
        "/leading/and/trailing/",
        "..",
        "back\\slash:colon\r\n\t\u{7f}",
        "%2e%2e",
        &longest,
    ];
    for text in names {
        let named = LockName::new(text)?;
        let lock = match client.lock(&named).await {
            Ok(lock) => lock,
            // Over the backend's limit, named; only the longest may be.
            Err(error) if error.kind() == ErrorKind::InvalidKey && text.len() == MAX_LOCK_NAME => {
                let names = error.message().chars().any(|c| c.is_ascii_digit());
                ensure!(names, "the refusal of the longest name does not name the limit: {error}");
                cx.note(format!(
                    "a name of {MAX_LOCK_NAME} bytes does not fit: {}",
                    error.message()
                ));
                continue;
            }
            Err(error) => {
                return Err(Stop::failed(format!("the lock name {text:?} fails: {error:?}")));
            }
        };
        same("the guard's name", lock.name(), &named)?;
        ensure_held(&other, &named, &format!("while {text:?} is held")).await?;
        mapped_alike(&other, &lock).await?;
        lock.unlock().await?;
    }
    independent(cx, &client, &other).await
}

/// Where the name is kept in another form, that form names the same lock.
async fn mapped_alike(other: &Client, lock: &Lock) -> Case {
    let token = Some(lock.token());
    let shown = other.locks().await?.into_iter().find(|info| info.token == token);
    let Some(mapped) = shown.and_then(|info| LockName::new(&info.name).ok()) else { return Ok(()) };
    ensure_held(other, &mapped, &format!("while {:?} is held, kept as {mapped:?}", lock.name()))
        .await
}

async fn independent(cx: &Context, client: &Client, other: &Client) -> Case {
    let (alpha, beta) = (name("lock-7-alpha"), name("lock-7-beta"));
    let held = client.lock(&alpha).await?;
    for taker in [client, other] {
        ensure_free(cx, taker, &beta, "nobody had it, with another name held").await?;
    }
    Ok(held.unlock().await?)
}

pub(crate) async fn lock_10(cx: &Context) -> Case {
    let client = cx.open().await?;
    let queue = name("lock-10");
    let holder = client.lock(&queue).await?;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiters: Vec<_> = (0..4)
        .map(|index| {
            let (client, queue, order) = (client.clone(), queue.clone(), order.clone());
            Box::pin(async move {
                let lock = client.lock(&queue).await?;
                order.lock().unwrap_or_else(PoisonError::into_inner).push(index);
                Ok::<(), Stop>(lock.unlock().await?)
            })
        })
        .collect();
    for waiter in &mut waiters {
        ensure!(cut_after(waiter.as_mut(), 1).await.is_none(), "two tasks hold the lock");
        // A queue that is entered by way of a message needs a moment; one that is entered at once needs none.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    holder.unlock().await?;
    let served = pin!(try_join_all(waiters));
    within(cx.takeover_limit() * 2, "four waiters in turn", served).await??;
    let order = order.lock().unwrap_or_else(PoisonError::into_inner).clone();
    same("the order of service", &order, &vec![0, 1, 2, 3])
}
