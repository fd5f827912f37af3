//! The loopback server as a site.

use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;

use super::site::Site;

pub(crate) fn site(server: &LoopbackSecretsManager) -> Site {
    Site {
        endpoint: server.endpoint(),
        region: server.region().to_owned(),
        access_key: server.access_key().to_owned(),
        secret_key: server.secret_key().to_owned(),
    }
}
