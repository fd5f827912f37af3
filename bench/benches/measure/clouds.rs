//! Google Cloud Storage, OSS and Secrets Manager against their raw clients, on the loopback servers.

use std::path::Path;

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::primitives::Blob;
use bytes::Bytes;
use certstore_conformance::loopback_gcs::LoopbackGcs;
use certstore_conformance::loopback_oss::LoopbackOss;
use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;
use google_cloud_auth::credentials::anonymous;
use google_cloud_storage::client::Storage;
use reqsign_aliyun_oss::{RequestSigner, SigningVersion, StaticCredentialProvider};
use reqsign_core::{Context, Signer};

use crate::services::{Ours, against, encoded};
use crate::{Result, runtime};

/// Against the writes and reads of Google's client.
pub(crate) fn gcs(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (LoopbackGcs::start()?, runtime()?);
    server.allow_anonymous(true);
    let endpoint = server.endpoint();
    let url =
        format!("gs://{}/bench?endpoint={}&anonymous=true", server.bucket(), encoded(&endpoint));
    let ours = Ours::open(&runtime, &url)?;
    let builder = Storage::builder().with_endpoint(&endpoint);
    let raw = builder.with_credentials(anonymous::Builder::new().build()).build();
    let raw = runtime.block_on(raw)?;
    let bucket = format!("projects/_/buckets/{}", server.bucket());
    let value = Bytes::from(ours.value.clone());
    let put = || {
        let sent = raw.write_object(&bucket, "raw", value.clone()).send_unbuffered();
        Ok(runtime.block_on(sent).map(drop)?)
    };
    let get = || {
        runtime.block_on(async {
            let mut response = raw.read_object(&bucket, "raw").send().await?;
            while let Some(chunk) = response.next().await {
                chunk?;
            }
            Ok(())
        })
    };
    let store = against("gcs store", || ours.store(&runtime), put)?;
    let load = against("gcs load", || ours.load(&runtime), get)?;
    Ok(store && load)
}

/// Against signed requests by the same signer and HTTP client: OSS has no client for Rust that signs by version 4.
pub(crate) fn oss(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (LoopbackOss::start()?, runtime()?);
    let endpoint = server.endpoint();
    let url = format!(
        "oss://{}/bench?endpoint={}&region={}&access_key_id={}&access_key_secret={}",
        server.bucket(),
        encoded(&endpoint),
        server.region(),
        server.access_key(),
        encoded(server.secret_key()),
    );
    let ours = Ours::open(&runtime, &url)?;
    let http = reqwest::Client::builder().http1_only().no_proxy().build()?;
    let keys = StaticCredentialProvider::new(server.access_key(), server.secret_key());
    let signing = RequestSigner::new(server.bucket())
        .with_signing_version(SigningVersion::V4)
        .with_region(server.region());
    let signer = Signer::new(Context::new(), keys, signing);
    let object = format!("{endpoint}/{}/raw", server.bucket());
    let send = |method: http::Method, body: Bytes| {
        runtime.block_on(async {
            let request = http::Request::builder().method(method).uri(&object).body(body)?;
            let (mut parts, body) = request.into_parts();
            signer.sign(&mut parts, None).await?;
            let request = http::Request::from_parts(parts, reqwest::Body::from(body));
            let response = http.execute(request.try_into()?).await?.error_for_status()?;
            response.bytes().await.map(drop)?;
            Ok(())
        })
    };
    let value = Bytes::from(ours.value.clone());
    let put = || send(http::Method::PUT, value.clone());
    let get = || send(http::Method::GET, Bytes::new());
    let store = against("oss store", || ours.store(&runtime), put)?;
    let load = against("oss load", || ours.load(&runtime), get)?;
    Ok(store && load)
}

/// Against PutSecretValue and GetSecretValue of the same client library.
pub(crate) fn secretsmanager(_folder: &Path) -> Result<bool> {
    let (server, runtime) = (LoopbackSecretsManager::start()?, runtime()?);
    // A thousand versions of one secret, which the service would not take in a day.
    server.set_version_limit(None);
    let url = format!(
        "secretsmanager://bench?endpoint={}&region={}&access_key_id={}&secret_access_key={}&max_versions_per_day=0\
         &max_writes_per_second=0&max_lists_per_second=0",
        encoded(&server.endpoint()),
        server.region(),
        server.access_key(),
        encoded(server.secret_key()),
    );
    let ours = Ours::open(&runtime, &url)?;
    let keys = Credentials::new(server.access_key(), server.secret_key(), None, None, "bench");
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.endpoint())
        .region(Region::new(server.region()))
        .credentials_provider(keys)
        .build();
    let raw = aws_sdk_secretsmanager::Client::from_conf(config);
    let value = || Blob::new(ours.value.clone());
    runtime.block_on(raw.create_secret().name("raw").secret_binary(value()).send())?;
    let put = || {
        let sent = raw.put_secret_value().secret_id("raw").secret_binary(value()).send();
        Ok(runtime.block_on(sent).map(drop)?)
    };
    let get = || Ok(runtime.block_on(raw.get_secret_value().secret_id("raw").send()).map(drop)?);
    let store = against("secretsmanager store", || ours.store(&runtime), put)?;
    let load = against("secretsmanager load", || ours.load(&runtime), get)?;
    Ok(store && load)
}
