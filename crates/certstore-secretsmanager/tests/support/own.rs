//! The loopback server, in this process or, for a worker, in the one that started it.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;
use certstore_secretsmanager::Deleting;

use crate::support::factory::SiteFactory;
use crate::support::loopback;
use crate::support::site::Site;

pub(crate) fn factory(
    name: &'static str,
    delete: Deleting,
) -> SiteFactory<Option<LoopbackSecretsManager>> {
    let of_parent = |name: &str| std::env::var(format!("LOOPBACK_SECRETSMANAGER_{name}")).ok();
    let (server, site) = match of_parent("ENDPOINT") {
        Some(endpoint) => {
            let text = |name| of_parent(name).expect("the parent gives all of them");
            let site = Site {
                endpoint,
                region: text("REGION"),
                access_key: text("ACCESS_KEY"),
                secret_key: text("SECRET_KEY"),
            };
            (None, site)
        }
        None => {
            let server = LoopbackSecretsManager::start().expect("a port is free");
            // Nothing that a case writes stands in a list before the case is over.
            server.set_list_delay(Duration::from_secs(300));
            // Some cases write a value hundreds of times.
            server.set_version_limit(None);
            let site = loopback::site(&server);
            (Some(server), site)
        }
    };
    SiteFactory {
        name,
        site,
        delete,
        lease: Duration::from_millis(2_000),
        poll: (Duration::from_millis(5), Duration::from_millis(50)),
        worker_env: server.as_ref().map(LoopbackSecretsManager::worker_env).unwrap_or_default(),
        round_trips: Some(|server| server.as_ref().map_or(0, LoopbackSecretsManager::total)),
        unproven: &[],
        server,
    }
}
