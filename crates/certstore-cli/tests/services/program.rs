//! One program, unchanged, on each backend by another config file.

use std::path::Path;

use certstore::{Config, ErrorKind, Fence, Key};

use crate::places::Place;
use crate::support::{Ran, Sandbox};

/// Stores, reads, locks and deletes, and says what it saw. It knows nothing of backends.
async fn program(config: &Path) -> certstore::Result<Vec<String>> {
    let storage = certstore::open(&Config::from_file(config)?).await?;
    let mut seen = Vec::new();
    let key = Key::new("certificates/local/a.example/a.example.crt")?;
    let other = Key::new("certificates/local/b.example/b.example.crt")?;
    storage.store(&key, b"one").await?;
    storage.store(&other, b"\0\xff").await?;
    seen.push(format!("{:?} {:?}", storage.load(&key).await?, storage.load(&other).await?));
    seen.push(format!("{:?}", storage.list(&"certificates".parse()?, true).await?));
    seen.push(format!("{:?}", storage.list(&"certificates/local".parse()?, false).await?));
    let info = storage.stat(&key).await?;
    // Where it can be told without loading.
    seen.push(format!("{} {}", info.size.is_none_or(|size| size == 3), info.is_terminal));
    seen.push(format!("{}", storage.stat(&"certificates".parse()?).await?.is_terminal));
    let lock = storage.lock(&"issue_cert_a.example".parse()?).await?;
    seen.push(format!("{:?}", storage.try_lock(lock.name()).await?.map(|_| "twice")));
    if storage.capabilities().fence != Fence::None {
        storage.store_fenced(&key, b"two", &lock).await?;
        let first = lock.token();
        lock.unlock().await?;
        let next = storage.lock(&"issue_cert_a.example".parse()?).await?;
        assert!(next.token() > first, "tokens grow");
        storage.store_fenced(&key, b"three", &next).await?;
        assert_eq!(storage.load(&key).await?, "three");
        next.unlock().await?;
    } else {
        lock.unlock().await?;
    }
    storage.delete(&"certificates/local/b.example".parse()?).await?;
    seen.push(format!("{:?}", storage.load(&other).await.map_err(|error| error.kind())));
    seen.push(format!("{}", storage.exists(&key).await?));
    storage.delete(&key).await?;
    seen.push(format!("{:?}", storage.list(&certstore::Dir::ROOT, true).await?));
    Ok(seen)
}

#[tokio::test]
async fn the_same_program_runs_on_every_backend() {
    let sandbox = Sandbox::new();
    let memory = sandbox.write("memory.toml", "[storage]\nbackend = \"memory\"\n");
    let expected = program(&memory).await.unwrap();
    assert!(expected.contains(&format!("Err({:?})", ErrorKind::NotFound)), "{expected:?}");
    let places = Place::on_services().into_iter().chain(Place::on_clouds());
    for place in places.chain([Place::on_files(&sandbox)]) {
        let seen = program(&place.file(&sandbox)).await;
        let seen = seen.unwrap_or_else(|error| panic!("{}: {error}", place.name));
        assert_eq!(seen, expected, "{}", place.name);
    }
    let [redis, _, s3] = Place::on_services();
    let apart = program(&s3.file_with_lock(&sandbox, &redis)).await.unwrap();
    assert_eq!(apart, expected, "values in S3, locks in Redis");
}

/// The commands of a day, and what they print.
fn session(sandbox: &Sandbox, config: &Path) -> Vec<String> {
    let run =
        |arguments: &[&str]| Ran::of(sandbox.command().arg("--config").arg(config).args(arguments));
    let crt = "certificates/local/a.example/a.example.crt";
    sandbox.write("value", b"\x00binary\xff\n");
    run(&["put", crt, "value"]).ok();
    run(&["put", "certificates/local/a.example/empty", "/dev/null"]).ok();
    let mut seen = vec![
        format!("{:?}", run(&["get", crt]).ok().out),
        format!("{:?}", run(&["get", "certificates/local/a.example/empty"]).ok().out),
        run(&["ls", "-r"]).ok().text().to_owned(),
        run(&["ls", "certificates/local"]).ok().text().to_owned(),
        run(&["exists", crt]).ok().text().to_owned(),
        format!("{:?}", run(&["exists", "nothing/here"]).code),
        run(&["lock", "my job", "--", "echo", "held"]).ok().text().to_owned(),
        run(&["locks", "--json"]).ok().text().to_owned(),
        run(&["rm", "certificates/local/a.example/empty"]).ok().text().to_owned(),
    ];
    let stat = run(&["stat", crt, "--json"]).ok().json();
    seen.push(format!("{} {} {}", stat["key"], stat["size"], stat["is_terminal"]));
    assert!(stat["modified"].as_str().is_some_and(|time| time.ends_with('Z')), "{stat}");
    let missing = run(&["get", "certificates/none"]).fails(3, &["certificates/none"]);
    seen.push(format!("{:?}", missing.code));
    let verified = run(&["verify", "--json"]);
    assert_eq!(verified.code, Some(1), "the value is no certificate: {verified:?}");
    let verified = verified.json();
    assert!(
        verified["probe"].as_array().unwrap().iter().all(|step| step["ok"] == true),
        "{verified}"
    );
    run(&["rm", "-r", "certificates"]).ok();
    seen.push(run(&["ls", "-r"]).ok().text().to_owned());
    run(&["verify"]).ok();
    seen
}

#[test]
fn the_same_commands_print_the_same() {
    let sandbox = Sandbox::new();
    let expected = session(&sandbox, &Place::on_files(&sandbox).file(&sandbox));
    for place in Place::on_services() {
        let seen = session(&sandbox, &place.file(&sandbox));
        assert_eq!(seen, expected, "{}", place.name);
    }
}
