//! Credentials, looked for everywhere.

use std::sync::Arc;

use certstore_core::{Error, FencingToken};
use tracing::dispatcher;

use crate::Factory;
use crate::case::{Case, Stop, ensure};
use crate::context::{Context, key, name};
use crate::logs::Logs;

/// Looks like no other text; without characters that a URL would escape.
const CANARY: &str = "canary0d5f1c7e9b3a4826secret";

pub(crate) async fn secret_1(cx: &Context) -> Case {
    let (factory, namespace) = (cx.factory().clone(), cx.namespace());
    let work = tokio::task::spawn_blocking(move || observed(&factory, &namespace));
    let (texts, mut canaries) = work.await??;
    canaries.push(CANARY.to_owned());
    for text in texts {
        for canary in &canaries {
            ensure!(!text.contains(canary.as_str()), "a credential is shown: {text}");
        }
    }
    Ok(())
}

/// Every text that a user may see of a backend configured with canaries, and the canaries.
///
/// In a runtime of its own: what its threads log, and nothing else, is collected.
fn observed(factory: &Arc<dyn Factory>, namespace: &str) -> Case<(Vec<String>, Vec<String>)> {
    let logs = Logs::default();
    let dispatch = logs.dispatch();
    let of_threads = dispatch.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        // For as long as the thread lives.
        .on_thread_start(move || std::mem::forget(dispatcher::set_default(&of_threads)))
        .build();
    let runtime =
        runtime.map_err(|error| Stop::failed(format!("cannot start a runtime: {error}")))?;
    let work = async {
        let mut texts = factory.canary_texts(CANARY).await;
        let canaries = factory.canaries();
        if texts.is_empty() && canaries.is_empty() {
            return Err(Stop::not_supported("the backend takes no credentials"));
        }
        texts.extend(ordinary(&**factory, namespace).await?);
        Ok((texts, canaries))
    };
    let (mut texts, canaries) = dispatcher::with_default(&dispatch, || runtime.block_on(work))?;
    drop(runtime);
    texts.push(logs.text());
    Ok((texts, canaries))
}

/// The texts of ordinary work and its errors.
async fn ordinary(factory: &dyn Factory, namespace: &str) -> Case<Vec<String>> {
    let client = factory.open(namespace).await?;
    let at = key("secret/value");
    client.store(&at, b"value").await?;
    client.load(&at).await?;
    let lock = client.lock(&name("secret-1")).await?;
    let mut texts = vec![format!("{lock:?} {:?}", lock.locker_id())];
    let errors = [
        client.load(&key("secret/missing")).await.err(),
        client.stat(&key("secret/missing")).await.err(),
        client.break_lock(lock.name(), FencingToken(1)).await.err(),
    ];
    texts.extend(errors.into_iter().flatten().map(|error| all_of(&error)));
    texts.extend(client.locks().await?.iter().map(|info| format!("{info:?}")));
    lock.unlock().await?;
    if let Some(faulty) = factory.open_faulty(namespace).await? {
        let errors = [faulty.load(&at).await.err(), faulty.store(&at, b"x").await.err()];
        texts.extend(errors.into_iter().flatten().map(|error| all_of(&error)));
    }
    Ok(texts)
}

/// `Debug`, `Display` and every source.
fn all_of(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    text
}
