//! What the probe finds on radosgw.

#[path = "support/site.rs"]
mod site;

use certstore_conformance::servers::shared_radosgw;
use certstore_s3::S3Storage;
use site::Site;

#[tokio::test]
async fn probe() {
    let account = shared_radosgw().expect("the gateway starts").account();
    let site = Site {
        endpoint: account.endpoint().to_owned(),
        bucket: account.bucket().to_owned(),
        region: account.region().to_owned(),
        access_key: account.access_key().to_owned(),
        secret_key: account.secret_key().to_owned(),
    };
    for _ in 0..5 {
        let storage = S3Storage::open(&site.config("probe")).await.expect("open");
        println!("{:?}", storage.probe().await);
    }
}
