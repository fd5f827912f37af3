//! Against the plugin itself, where `plugin/main.go` was built with it: `CERTSTORE_CADDY_PLUGIN` is the program.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certstore_redis::Compression;
use tokio::time::timeout;

use super::support::{SECRET, cli, config, dir, key, lines, name, open, prefix, server, with_key};

struct Plugin {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Plugin {
    fn start(prefix: &str, compression: &str, secret: &str) -> Self {
        let program = std::env::var("CERTSTORE_CADDY_PLUGIN").expect("the program is named");
        let address = format!("127.0.0.1:{}", server().port());
        let mut child = Command::new(program)
            .args([&address, prefix, compression, secret])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn ask(&mut self, words: &str) -> String {
        writeln!(self.input, "{words}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ok(&mut self, words: &str) {
        assert_eq!(self.ask(words), "ok", "{words}");
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// All sorted sets below a prefix: name, with its members.
fn index(prefix: &str) -> Vec<String> {
    let found = cli(&["--scan", "--pattern", &format!("{prefix}*")]);
    let mut sets: Vec<_> = lines(&found)
        .into_iter()
        .filter(|key| cli(&["TYPE", key]) == "zset")
        .map(|key| {
            format!(
                "{} {}",
                &key[prefix.len()..],
                cli(&["ZRANGE", key, "0", "-1"]).replace('\n', " ")
            )
        })
        .collect();
    sets.sort();
    sets
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the plugin: see tests/caddy/plugin/main.go"]
async fn values_go_both_ways() {
    let text = b"-----BEGIN CERTIFICATE-----\n".repeat(40);
    let methods =
        [("", Compression::None), ("flate", Compression::Flate), ("zlib", Compression::Zlib)];
    for (method, compression) in methods {
        for secret in ["", SECRET] {
            let prefix = prefix();
            let mut plugin = Plugin::start(&prefix, method, secret);
            let mut settings = config(&prefix);
            if !secret.is_empty() {
                settings = with_key(settings, secret);
            }
            settings.compression = compression;
            let storage = open(&settings).await;
            for value in [&text[..], b"short", b"", &[0, 255, 10, 13]] {
                let shown = BASE64.encode(value);
                plugin.ok(&format!("store dir/theirs {shown}"));
                assert_eq!(storage.load(&key("dir/theirs")).await.unwrap(), value);
                storage.store(&key("dir/ours"), value).await.unwrap();
                assert_eq!(plugin.ask("load dir/ours"), shown);
                let info = storage.stat(&key("dir/ours")).await.unwrap();
                let modified = info.modified.unwrap().duration_since(UNIX_EPOCH).unwrap();
                assert_eq!(
                    plugin.ask("stat dir/ours"),
                    format!("{} {} true", value.len(), modified.as_nanos())
                );
            }
            assert_eq!(plugin.ask("list . recursive"), "dir/ours dir/theirs");
            let listed = storage.list(&dir(""), true).await.unwrap();
            assert_eq!(listed, [key("dir"), key("dir/ours"), key("dir/theirs")]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the plugin: see tests/caddy/plugin/main.go"]
async fn both_keep_the_same_directories() {
    let (one, other) = (prefix(), prefix());
    let mut plugin = Plugin::start(&one, "", "");
    let storage = open(&config(&other)).await;
    let keys = ["a/b/c", "a/b/d", "a/e", "f", "a/g/h/i/j", "a/b-c"];
    for at in keys {
        plugin.ok(&format!("store {at} aGk="));
        storage.store(&key(at), b"hi").await.unwrap();
        assert_eq!(index(&one), index(&other), "after the store of {at}");
    }
    for at in ["a/g/h/i/j", "a/b/c", "a/b/d", "missing/x", "f"] {
        plugin.ok(&format!("delete {at}"));
        storage.delete(&key(at)).await.unwrap();
        assert_eq!(index(&one), index(&other), "after the delete of {at}");
    }
    // What the plugin repairs, it finds in order, our lock's record included.
    let lock = storage.lock(&name("job")).await.unwrap();
    let before = index(&other);
    let mut mender = Plugin::start(&other, "", "");
    mender.ok("repair");
    assert_eq!(index(&other), before);
    let listed = mender.ask("list . recursive");
    assert!(["a/b-c a/e", "a/e a/b-c"].contains(&listed.as_str()), "{listed}");
    lock.unlock().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the plugin: see tests/caddy/plugin/main.go"]
async fn locks_exclude_both_ways() {
    let prefix = prefix();
    let mut plugin = Plugin::start(&prefix, "", "");
    let mut settings = config(&prefix);
    settings.lease = Duration::from_secs(5);
    let storage = open(&settings).await;
    let ours = storage.lock(&name("job")).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(12) {
        assert!(plugin.ask("trylock job").starts_with("error"));
        ours.check().unwrap();
    }
    ours.unlock().await.unwrap();
    plugin.ok("lock job");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(12) {
        assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    plugin.ok("unlock job");
    let ours = timeout(Duration::from_secs(2), storage.lock(&name("job"))).await.unwrap().unwrap();
    ours.unlock().await.unwrap();
    // A node that is killed leaves its lock for five seconds.
    plugin.ok("lock job");
    drop(plugin);
    let start = Instant::now();
    let ours = timeout(Duration::from_secs(8), storage.lock(&name("job"))).await.unwrap().unwrap();
    assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());
    ours.unlock().await.unwrap();
}
