//! Between our own layout and the one of Caddy's plugins, there and back.

use crate::copying::same;
use crate::places::Place;
use crate::support::{Ran, Sandbox};

/// Caddy's data over all of these storages, and back to files.
fn around(sandbox: &Sandbox, way: &[&str]) {
    sandbox.caddy_data();
    let (first, last) = (sandbox.url("store"), sandbox.url("back"));
    let mut all = vec![first.as_str()];
    all.extend(way);
    all.push(&last);
    for step in all.windows(2) {
        Ran::of(sandbox.command().args(["-s", step[0], "copy", "--to", step[1]])).ok();
    }
    same(&sandbox.path("store"), &sandbox.path("back"));
    for url in way {
        let certificates =
            Ran::of(sandbox.command().args(["-s", url, "certs", "--json"])).ok().json();
        assert!(certificates.as_array().is_some_and(|rows| rows.len() > 5), "{certificates}");
    }
}

#[test]
fn on_redis() {
    let sandbox = Sandbox::new();
    let (one, other) = (Place::on_redis().url, Place::on_redis().url);
    let plain = format!("{}-caddy&layout=caddy", Place::on_redis().url);
    let sealed = format!(
        "{}-sealed&layout=caddy&compression=zlib&encryption_key=0123456789abcdef0123456789abcdef",
        Place::on_redis().url
    );
    around(&sandbox, &[&one, &plain, &sealed, &other]);
}

#[test]
fn on_postgres() {
    let sandbox = Sandbox::new();
    let one = Place::on_postgres().url;
    // Caddy's tables lie beside ours.
    let caddy = format!("{one}?layout=caddy");
    let other = format!("{one}?table_prefix=other_");
    around(&sandbox, &[&one, &caddy, &other]);
}
