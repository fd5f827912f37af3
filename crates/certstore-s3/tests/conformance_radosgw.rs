//! The contract on radosgw, the S3 gateway of Ceph: a real store, whose conditions have ways of their own.

mod support;

use std::time::Duration;

use certstore_conformance::servers::{Radosgw, shared_radosgw};
use certstore_s3::Probing;
use support::factory::SiteFactory;
use support::site::Site;

fn factory() -> SiteFactory<&'static Radosgw> {
    let server = shared_radosgw().expect("the gateway starts");
    SiteFactory {
        name: "s3, radosgw",
        site: Site::from(server.account()),
        stamped: false,
        lease: Duration::from_millis(2_000),
        probing: Probing::Open,
        poll: (Duration::from_millis(5), Duration::from_millis(50)),
        worker_env: server.worker_env(),
        round_trips: None,
        server,
        report: tokio::sync::OnceCell::new(),
    }
}

certstore_conformance::conformance!(factory());
