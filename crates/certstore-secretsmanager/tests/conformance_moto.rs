//! The contract on moto, a server of other people's making.

mod support;

use std::time::Duration;

use certstore_conformance::servers::{Moto, shared_moto};
use certstore_secretsmanager::Deleting;
use support::factory::SiteFactory;
use support::site::Site;

/// What moto 5.2.5 can prove nothing of, and why.
///
/// A PutSecretValue after a moved AWSCURRENT leaves the label on two versions, and reads then give the older one. A
/// secret that is scheduled for deletion takes a PutSecretValue, which is then not read. Both only show where plain and
/// conditional writes of one key meet.
const UNPROVEN: &[(&str, &str)] = &[
    ("FENCE-7", "a plain store after a fenced one leaves two current versions"),
    ("CAP-1", "a plain store after a conditional one leaves two current versions"),
    ("BATCH-2", "another client's journal is written to a secret that stays scheduled"),
];

fn factory() -> SiteFactory<&'static Moto> {
    let server = shared_moto().expect("moto starts");
    let account = server.account();
    SiteFactory {
        name: "secretsmanager, moto",
        site: Site {
            endpoint: account.endpoint().to_owned(),
            region: account.region().to_owned(),
            access_key: account.access_key().to_owned(),
            secret_key: account.secret_key().to_owned(),
        },
        delete: Deleting::Force,
        // One request at a time, in Python: a renewal gets a sixth of the lease.
        lease: Duration::from_millis(6_000),
        poll: (Duration::from_millis(20), Duration::from_millis(100)),
        worker_env: server.worker_env(),
        round_trips: None,
        unproven: UNPROVEN,
        server,
    }
}

certstore_conformance::conformance!(factory());
