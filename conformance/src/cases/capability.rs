//! Declarations, checked both ways.

use certstore_core::{Cas, Condition, Dir, ErrorKind, Fence, Lock, Result, Version, VersionKind};

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Client, Context, key, name};

/// Fails unless the call is refused exactly when it is not declared. A declared call's success is its clauses' matter.
fn declared<T: std::fmt::Debug>(call: &str, declared: bool, result: Result<T>) -> Case {
    match result {
        Err(error) if declared && error.kind() == ErrorKind::Unsupported => {
            Err(Stop::failed(format!("{call} is declared and refused: {error}")))
        }
        _ if declared => Ok(()),
        result => {
            refused(&format!("{call}, which is not declared"), result, ErrorKind::Unsupported)
                .map(drop)
        }
    }
}

pub(crate) async fn cap_1(cx: &Context) -> Case {
    let client = cx.open().await?;
    let lock = client.lock(&name("cap-1")).await?;
    client.store(&key("cap/value"), b"stands").await?;
    conditional(cx, &client).await?;
    fenced(cx, &client, &lock).await?;
    let capabilities = cx.capabilities();
    let versioned = client.load_versioned(&key("cap/value")).await;
    declared("load_versioned", capabilities.version != VersionKind::None, versioned)?;
    let watch = client.watch(&Dir::new("cap")?).await.map(|_| ());
    declared("watch", capabilities.watch, watch)?;
    Ok(lock.unlock().await?)
}

/// Fails when a call that is not declared has changed anything.
async fn untouched(client: &Client, declared: bool) -> Case {
    if declared {
        return Ok(());
    }
    same("the value after a refused call", &*client.load(&key("cap/value")).await?, b"stands")?;
    ensure!(!client.exists(&key("cap/new")).await?, "a refused call left a value");
    Ok(())
}

async fn conditional(cx: &Context, client: &Client) -> Case {
    let (any, full) = (cx.capabilities().cas != Cas::None, cx.capabilities().cas == Cas::Full);
    let (at, new) = (key("cap/value"), key("cap/new"));
    let current = match client.load_versioned(&at).await {
        Ok(found) => found.version,
        Err(_) => Version::new("1"),
    };
    declared("store_if Absent", any, client.store_if(&new, b"x", &Condition::Absent).await)?;
    untouched(client, any).await?;
    let condition = Condition::Version(current.clone());
    declared("store_if Version", full, client.store_if(&at, b"x", &condition).await)?;
    untouched(client, full || any).await?;
    declared("delete_if", full, client.delete_if(&at, &current).await)?;
    untouched(client, full || any).await?;
    client.delete(&new).await?;
    client.store(&at, b"stands").await?;
    Ok(())
}

async fn fenced(cx: &Context, client: &Client, lock: &Lock) -> Case {
    let has = cx.capabilities().fence != Fence::None;
    declared("store_fenced", has, client.store_fenced(&key("cap/new"), b"x", lock).await)?;
    untouched(client, has).await?;
    let at = key("cap/new");
    declared("store_all_fenced", has, client.store_all_fenced(&[(&at, b"x")], lock).await)?;
    untouched(client, has).await?;
    declared("delete_fenced", has, client.delete_fenced(&key("cap/value"), lock).await)?;
    untouched(client, has).await?;
    client.delete(&key("cap/new")).await?;
    client.store(&key("cap/value"), b"stands").await?;
    Ok(())
}

pub(crate) async fn cap_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let first = client.capabilities();
    same("what another opening declares", &first, &cx.capabilities())?;
    let at = key("cap/value");
    client.store(&at, b"x").await?;
    let lock = client.lock(&name("cap-2")).await?;
    same("the declaration while a lock is held", &client.capabilities(), &first)?;
    lock.unlock().await?;
    client.delete(&at).await?;
    for client in [&client, &other] {
        same("the declaration after some work", &client.capabilities(), &first)?;
    }
    Ok(())
}
