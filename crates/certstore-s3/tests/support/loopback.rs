//! The loopback server as a site.

use certstore_conformance::loopback_s3::LoopbackS3;

use super::site::Site;

pub(crate) fn site(server: &LoopbackS3) -> Site {
    Site {
        endpoint: server.endpoint(),
        bucket: server.bucket().to_owned(),
        region: server.region().to_owned(),
        access_key: server.access_key().to_owned(),
        secret_key: server.secret_key().to_owned(),
    }
}
