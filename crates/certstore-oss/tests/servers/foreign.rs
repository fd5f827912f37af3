//! Other people's objects among ours.

use certstore_core::{Dir, Storage as _};

use crate::rig::{Rig, key};

const FOREIGN: [&str; 6] = ["a//b", "a/x~y", "a/(b)", "a/b,c", "dir-marker/", "locks"];

#[tokio::test]
async fn names_that_are_no_keys_are_left_out_and_told() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let odd = key("a/user+tag@example.com=1");
    storage.store(&odd, b"ours").await.unwrap();
    for name in FOREIGN {
        rig.raw().put(&format!("p/{name}"), b"theirs");
    }
    rig.raw().put("other/key", b"outside the prefix");
    rig.raw().put("p/locks/log/x", b"a reserved place");

    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a"), odd.clone()]);
    assert_eq!(storage.list(&Dir::new("a").unwrap(), false).await.unwrap(), [odd]);
    let mut told = storage.foreign(&Dir::ROOT).await.unwrap();
    told.sort();
    let mut expected = FOREIGN.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(told, expected);
    assert!(!storage.exists(&key("dir-marker")).await.unwrap());

    storage.delete(&key("a")).await.unwrap();
    assert!(rig.objects("p/a").is_empty(), "a delete of a directory leaves nothing below");
    assert_eq!(rig.raw().get("other/key").unwrap(), b"outside the prefix");
}

#[tokio::test]
async fn a_value_and_a_directory_of_one_name_live_side_by_side() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a"), b"value").await.unwrap();
    storage.store(&key("a/b"), b"below").await.unwrap();
    storage.store(&key("a-b"), b"neighbour").await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    assert!(storage.stat(&key("a")).await.unwrap().is_terminal);
    let all = [key("a"), key("a-b"), key("a/b")];
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), all);
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), all[..2]);
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a-b")]);
}
