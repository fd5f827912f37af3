use std::sync::Arc;
use std::time::Duration;

use certstore::MemoryStorage;
use certstore_acme::{Config, Error};
use rcgen::{CertificateParams, KeyPair};

use super::*;

fn certificate(names: &[&str]) -> Certificate {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(names).expect("names");
    let chain = params.self_signed(&key).expect("a certificate").pem();
    let config = Config::builder(Arc::new(MemoryStorage::new())).build();
    config.cache_unmanaged_pem(&chain, &key.serialize_pem()).expect("it is served")
}

fn fail(news: &News, subject: &str, why: &'static str) {
    let error = Error::Refused { name: subject.to_owned(), why };
    let retry_after = Some(Duration::from_secs(60));
    news.hear(&Event::Failed { subject, error: &error, retry_after });
}

#[tokio::test]
async fn however_much_waits_the_newest_of_every_name_is_told() {
    let subjects: Vec<String> = (0..3000).map(|at| format!("n{at}.internal")).collect();
    let news = News::of(&subjects);
    for why in ["at first", "at last"] {
        for subject in &subjects {
            fail(&news, subject, why);
        }
    }
    let told = news.next().await;
    assert_eq!(told.len(), subjects.len());
    let newest = |told: &Told| matches!(told, Told::Failed { error, .. } if error.contains("last"));
    assert!(told.values().all(newest));
    let certificate = certificate(&["n7.internal"]);
    news.hear(&Event::CachedManaged { certificate: &certificate });
    assert_eq!(news.next().await.len(), 1, "what is told is told once");
}

#[tokio::test]
async fn a_certificate_of_several_names_is_news_of_each_and_of_no_other() {
    let subjects = ["a.internal", "b.internal", "c.internal"].map(str::to_owned);
    let news = News::of(&subjects);
    let certificate = certificate(&["a.internal", "b.internal", "others.internal"]);
    news.hear(&Event::CachedManaged { certificate: &certificate });
    // A failure afterwards does not keep it from being handed on.
    fail(&news, "a.internal", "later");
    let told = news.next().await;
    assert_eq!(told.keys().collect::<Vec<_>>(), ["a.internal", "b.internal"]);
    let newest = news.certificates().map(|(_, newest)| newest.borrow().clone());
    assert_eq!(newest.collect::<Vec<_>>(), [Some(certificate.clone()), Some(certificate), None]);
}
