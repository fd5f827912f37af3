//! The loopback server, in this process or, for a worker, in the one that started it.

use std::time::Duration;

use certstore_conformance::loopback_s3::LoopbackS3;
use certstore_s3::Probing;

use crate::support::factory::SiteFactory;
use crate::support::loopback;
use crate::support::site::Site;

pub(crate) fn factory(name: &'static str, stamped: bool) -> SiteFactory<Option<LoopbackS3>> {
    let of_parent = |name: &str| std::env::var(format!("LOOPBACK_S3_{name}")).ok();
    let (server, site) = match of_parent("ENDPOINT") {
        Some(endpoint) => {
            let text = |name| of_parent(name).expect("the parent gives all of them");
            let site = Site {
                endpoint,
                bucket: text("BUCKET"),
                region: text("REGION"),
                access_key: text("ACCESS_KEY"),
                secret_key: text("SECRET_KEY"),
            };
            (None, site)
        }
        None => {
            let server = LoopbackS3::start().expect("a port is free");
            let site = loopback::site(&server);
            (Some(server), site)
        }
    };
    SiteFactory {
        name,
        site,
        stamped,
        lease: Duration::from_millis(1_500),
        probing: Probing::Lazy,
        poll: (Duration::from_millis(5), Duration::from_millis(50)),
        worker_env: server.as_ref().map(LoopbackS3::worker_env).unwrap_or_default(),
        round_trips: Some(|server| server.as_ref().map_or(0, |server| server.requests().total())),
        server,
        report: tokio::sync::OnceCell::new(),
    }
}
