//! Round trips, counted by the server.

use std::future::Future;

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{Condition, Dir, Key, Locker as _, Result, Storage as _};

use crate::{config, key, name, open, start};

async fn costs<T>(server: &RedisServer, what: &str, call: impl Future<Output = Result<T>>) -> T {
    let before = server.command_calls().expect("counted");
    let done = call.await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let trips = server.command_calls().expect("counted") - before;
    assert_eq!(trips, 1, "round trips of {what}");
    done
}

#[tokio::test]
async fn one_each() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
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

    costs(&server, "store", storage.store(&crt, b"1")).await;
    costs(&server, "load", storage.load(&crt)).await;
    costs(&server, "versioned load", storage.load_versioned(&crt)).await;
    costs(&server, "exists", storage.exists(&crt)).await;
    costs(&server, "exists of a directory", storage.exists(&key("a"))).await;
    costs(&server, "stat", storage.stat(&crt)).await;
    costs(&server, "bundle", storage.store_all(&pair)).await;
    costs(&server, "load of a bundle", storage.load_bundle(&[&crt, &private])).await;
    let version = costs(&server, "store", storage.store(&crt, b"1")).await;
    let condition = Condition::Version(version);
    costs(&server, "conditional store", storage.store_if(&crt, b"2", &condition)).await;
    let all = costs(&server, "list of 2,500", storage.list(&many, true)).await;
    assert_eq!(all.len(), 2500);
    let children = costs(&server, "list of children", storage.list(&many, false)).await;
    assert_eq!(children, all);
    assert_eq!(costs(&server, "list of the root", storage.list(&Dir::ROOT, false)).await.len(), 2);
    let lock = costs(&server, "lock", storage.lock(&name("job"))).await;
    costs(&server, "fenced store", storage.store_fenced(&crt, b"3", &lock)).await;
    costs(&server, "unlock", lock.unlock()).await;
    costs(&server, "delete of 2,500", storage.delete(&key("many"))).await;
}
