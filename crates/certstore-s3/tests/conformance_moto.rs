//! The contract on moto, an S3 server of other people's making.

mod support;

use std::time::Duration;

use certstore_conformance::servers::{Moto, shared_moto};
use certstore_s3::Probing;
use support::factory::SiteFactory;
use support::site::Site;

fn factory() -> SiteFactory<&'static Moto> {
    let server = shared_moto().expect("moto starts");
    SiteFactory {
        name: "s3, moto",
        site: Site::from(&server.account()),
        stamped: true,
        // One request at a time, in Python: a renewal gets a sixth of the lease.
        lease: Duration::from_millis(4_000),
        probing: Probing::Open,
        poll: (Duration::from_millis(5), Duration::from_millis(50)),
        worker_env: server.worker_env(),
        round_trips: None,
        server,
        report: tokio::sync::OnceCell::new(),
    }
}

certstore_conformance::conformance!(factory());
