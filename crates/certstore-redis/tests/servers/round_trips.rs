//! Round trips, counted on their way.

use std::future::Future;

use certstore_conformance::servers::RedisOptions;
use certstore_core::{Condition, Dir, Key, Locker as _, Result, Storage as _};

use crate::proxy::Proxy;
use crate::{key, name, open, start, through};

async fn costs<T>(proxy: &Proxy, what: &str, call: impl Future<Output = Result<T>>) -> T {
    let before = proxy.round_trips();
    let done = call.await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert_eq!(proxy.round_trips() - before, 1, "round trips of {what}");
    done
}

#[tokio::test]
async fn one_each() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let storage = open(&through(&proxy)).await;
    let script = "for i = 1, 2500 do local k = 'many/k' .. i \
         redis.call('SET', '{test}:value:' .. k, 'cs1 0063 ' .. string.rep('0', 32) .. ' ' .. string.rep('0', 20) .. '\\nv') \
         redis.call('ZADD', '{test}:index', 0, k, 0, 'many!') end";
    server.cli(&["EVAL", script, "0"]).expect("filled");
    let (crt, private) = (key("a/a.crt"), key("a/a.key"));
    let pair: [(&Key, &[u8]); 2] = [(&private, b"k"), (&crt, b"c")];
    let many: Dir = "many".parse().expect("a directory");
    // The server learns the scripts.
    storage.store_all(&pair).await.expect("stored");
    storage.store(&crt, b"c").await.expect("stored");
    storage.stat(&crt).await.expect("there");
    storage.list(&Dir::ROOT, true).await.expect("listed");
    storage.delete(&key("nothing")).await.expect("deleted");
    for _ in 0..2 {
        storage.lock(&name("job")).await.expect("locked").unlock().await.expect("unlocked");
    }

    costs(&proxy, "store", storage.store(&crt, b"1")).await;
    costs(&proxy, "load", storage.load(&crt)).await;
    costs(&proxy, "versioned load", storage.load_versioned(&crt)).await;
    costs(&proxy, "exists", storage.exists(&crt)).await;
    costs(&proxy, "exists of a directory", storage.exists(&key("a"))).await;
    costs(&proxy, "stat", storage.stat(&crt)).await;
    costs(&proxy, "bundle", storage.store_all(&pair)).await;
    costs(&proxy, "load of a bundle", storage.load_bundle(&[&crt, &private])).await;
    let version = costs(&proxy, "store", storage.store(&crt, b"1")).await;
    let condition = Condition::Version(version);
    costs(&proxy, "conditional store", storage.store_if(&crt, b"2", &condition)).await;
    let all = costs(&proxy, "list of 2,500", storage.list(&many, true)).await;
    assert_eq!(all.len(), 2500);
    let children = costs(&proxy, "list of children", storage.list(&many, false)).await;
    assert_eq!(children, all);
    assert_eq!(costs(&proxy, "list of the root", storage.list(&Dir::ROOT, false)).await.len(), 2);
    let lock = costs(&proxy, "lock", storage.lock(&name("job"))).await;
    costs(&proxy, "fenced store", storage.store_fenced(&crt, b"3", &lock)).await;
    costs(&proxy, "unlock", lock.unlock()).await;
    costs(&proxy, "delete of 2,500", storage.delete(&key("many"))).await;
}
