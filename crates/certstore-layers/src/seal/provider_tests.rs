use certstore_core::ErrorKind;

use super::super::{Algorithm, Existing, Keyset, OutputPrefix};
use super::{EnvironmentKeys, FileKeys, KeyProvider};

#[tokio::test]
async fn a_file_gives_its_keyset_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyset.json");
    let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.write(&path, Existing::Refuse).unwrap();
    let provider: Box<dyn KeyProvider> = Box::new(FileKeys::new(&path));
    assert_eq!(provider.keyset().await.unwrap().primary_id(), keyset.primary_id());
    let rotated = keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.write(&path, Existing::Replace).unwrap();
    assert_eq!(provider.keyset().await.unwrap().primary_id(), rotated);
}

#[tokio::test]
async fn a_variable_that_is_not_set_or_no_keyset_is_named_and_not_shown() {
    let missing = EnvironmentKeys::new("CERTSTORE_TEST_NO_SUCH_KEYSET");
    let error = missing.keyset().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("$CERTSTORE_TEST_NO_SUCH_KEYSET"), "{error}");
    // Every test has a PATH, and it is no keyset.
    let error = EnvironmentKeys::new("PATH").keyset().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(!format!("{error:?}").contains("/bin"), "{error:?}");
}
