use certstore_core::{ErrorKind, MemoryStorage, Storage as _};

use super::{AccountKeys, Registration, StoredAccount};

const LOCATION: &str = "https://127.0.0.1:14000/my-account/3e786dccc114a544";
/// As Caddy 2.6.2 wrote it.
const OF_CADDY: &str = "{
\t\"status\": \"valid\",
\t\"contact\": [
\t\t\"mailto:ops@example.com\"
\t],
\t\"termsOfServiceAgreed\": true,
\t\"orders\": \"https://127.0.0.1:14000/list-orderz/3e786dccc114a544\",
\t\"location\": \"https://127.0.0.1:14000/my-account/3e786dccc114a544\"
}";

fn keys() -> AccountKeys {
    AccountKeys::new("127.0.0.1-14000-dir", "ops@example.com").unwrap()
}

#[test]
fn a_registration_of_caddy_is_read_and_written_to_the_byte() {
    let read = Registration::from_json(OF_CADDY.as_bytes()).unwrap();
    assert_eq!(read.location, LOCATION);
    assert_eq!(read.to_json().unwrap(), OF_CADDY.as_bytes());
    let more = OF_CADDY.replacen('{', "{\"externalAccountBinding\": {\"payload\": \"x\"},", 1);
    let again = Registration::from_json(more.as_bytes()).unwrap().to_json().unwrap();
    assert!(String::from_utf8(again).unwrap().contains("externalAccountBinding"));
}

#[test]
fn names_are_those_of_certmagic() {
    let keys = keys();
    let dir = "acme/127.0.0.1-14000-dir/users/ops@example.com";
    assert_eq!(keys.registration.as_str(), format!("{dir}/ops.json"));
    assert_eq!(keys.private_key.as_str(), format!("{dir}/ops.key"));
    assert_eq!(keys.lock.as_str(), "register_acme_account_ops@example.com");
    let nobody = AccountKeys::new("a", "").unwrap();
    assert_eq!(nobody.registration.as_str(), "acme/a/users/default/default.json");
    assert_eq!(nobody.lock.as_str(), "register_acme_account");
}

#[tokio::test]
async fn a_key_alone_is_an_account_that_is_not_registered() {
    let (storage, keys) = (MemoryStorage::new(), keys());
    let load = async || StoredAccount::load(&storage, &keys).await;
    storage.store(&keys.registration, OF_CADDY.as_bytes()).await.unwrap();
    assert!(load().await.unwrap().is_none());
    storage.store(&keys.private_key, b"key").await.unwrap();
    assert!(load().await.unwrap().unwrap().registration.is_some());
    let nowhere = OF_CADDY.replace(LOCATION, "");
    storage.store(&keys.registration, nowhere.as_bytes()).await.unwrap();
    assert!(load().await.unwrap().unwrap().registration.is_none());
    storage.store(&keys.registration, b"{").await.unwrap();
    assert_eq!(load().await.err().unwrap().kind(), ErrorKind::Corrupt);
    storage.delete(&keys.registration).await.unwrap();
    assert!(load().await.unwrap().unwrap().registration.is_none());
}
