//! What cannot be copied is told before the first write, and nothing is left out in silence.

use crate::places::Place;
use crate::support::Sandbox;

#[test]
fn a_key_that_is_value_and_directory_stops_the_copy_before_it_begins() {
    let sandbox = Sandbox::new();
    let [redis, postgres, s3] = Place::on_services();
    for key in ["a/b", "certs", "certs/x", "z"] {
        s3.run(&sandbox, &["put", key, "/dev/null"]).ok();
    }
    let files = Place::on_files(&sandbox);
    for target in [&redis, &postgres, &files] {
        s3.run(&sandbox, &["copy", "--to", &target.url])
            .fails(1, &["certs is a value and a directory at once", "nothing was written"]);
        assert_eq!(target.run(&sandbox, &["ls", "-r"]).ok().text(), "", "{}", target.name);
    }
    // Without the obstacle it goes.
    s3.run(&sandbox, &["copy", "--to", &redis.url, "a"]).ok();
    redis.run(&sandbox, &["put", "z/below", "/dev/null"]).ok();
    s3.run(&sandbox, &["copy", "--to", &redis.url, "z"])
        .fails(1, &["z is a value here and a directory there"]);
    assert_eq!(redis.run(&sandbox, &["ls", "-r"]).ok().text(), "a\na/b\nz\nz/below\n");
}

#[test]
fn stored_names_that_are_no_keys_are_named() {
    let sandbox = Sandbox::new();
    let [redis, _, s3] = Place::on_services();
    s3.run(&sandbox, &["put", "a", "/dev/null"]).ok();
    // A storage further down keeps a lock's record under a name that is no key for the one above.
    let below = s3.url.replace("/certs?", "/certs/below?");
    let mut lock = sandbox.command();
    lock.args(["-s", &below, "lock", "my job", "--", "true"]);
    crate::support::Ran::of(&mut lock).ok();
    s3.run(&sandbox, &["--quiet", "copy", "--to", &redis.url])
        .fails(1, &["my~20job", "skip-foreign"]);
    assert_eq!(redis.run(&sandbox, &["ls", "-r"]).ok().text(), "");
    let copied = s3.run(&sandbox, &["copy", "--to", &redis.url, "--skip-foreign", "--json"]);
    let report = copied.json();
    assert_eq!(copied.code, Some(0), "{copied:?}");
    assert_eq!(report["copied"], 1, "{report}");
    assert!(report["foreign"].to_string().contains("my~20job"), "{report}");
}
