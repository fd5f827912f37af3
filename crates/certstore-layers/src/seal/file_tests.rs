use std::fs;
use std::path::Path;

use certstore_core::ErrorKind;

use super::super::{Algorithm, Keyset, OutputPrefix};
use super::Existing;

fn keyset() -> Keyset {
    Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_keyset_comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, keyset) = (folder.path().join("keyset.json"), keyset());
    keyset.write(&path, Existing::Refuse).unwrap();
    let read = Keyset::load(&path).unwrap();
    assert_eq!(read.to_json().expose(), keyset.to_json().expose());
    assert_eq!(names(folder.path()), ["keyset.json"]);
}

#[test]
fn a_file_is_replaced_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, first, second) = (folder.path().join("keyset.json"), keyset(), keyset());
    first.write(&path, Existing::Refuse).unwrap();
    let refused = second.write(&path, Existing::Refuse).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(Keyset::load(&path).unwrap().primary_id(), first.primary_id());
    second.write(&path, Existing::Replace).unwrap();
    assert_eq!(Keyset::load(&path).unwrap().primary_id(), second.primary_id());
    assert_eq!(names(folder.path()), ["keyset.json"], "a temporary file stayed");
}

#[test]
fn a_missing_file_and_a_missing_folder_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none/keyset.json");
    let error = Keyset::load(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("none/keyset.json"), "{error}");
    assert_eq!(keyset().write(&missing, Existing::Refuse).unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn what_is_no_keyset_names_the_file_and_not_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyset.json");
    keyset().write(&path, Existing::Refuse).unwrap();
    fs::write(&path, "{\"key\": \"c2VjcmV0\"}").unwrap();
    let error = Keyset::load(&path).unwrap_err();
    assert!(error.to_string().contains("keyset.json") && !format!("{error:?}").contains("c2Vj"));
    fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(Keyset::load(&path).unwrap_err().message().contains("at most"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyset.json");
        keyset().write(&path, Existing::Refuse).unwrap();
        assert_eq!(mode(&path), 0o600);
        for open in [0o640, 0o604, 0o660, 0o644, 0o777, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let error = Keyset::load(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.message().contains("chmod 600"), "{error}");
        }
        for closed in [0o400, 0o600, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(closed)).unwrap();
            Keyset::load(&path).unwrap();
        }
        // A replaced file that was open to others is closed.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        keyset().write(&path, Existing::Replace).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        keyset().write(&file, Existing::Refuse).unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(
            keyset().write(&link, Existing::Refuse).unwrap_err().kind(),
            ErrorKind::Conflict
        );
        let new = keyset();
        new.write(&link, Existing::Replace).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Keyset::load(&file).unwrap().primary_id(), new.primary_id());
    }

    #[test]
    fn a_replaced_file_keeps_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyset.json");
        keyset().write(&path, Existing::Refuse).unwrap();
        let own = fs::metadata(&path).unwrap();
        // Only root can give a file away; anybody else's stays its own.
        let given = if own.uid() == 0 { (12_345, 12_346) } else { (own.uid(), own.gid()) };
        chown(&path, Some(given.0), Some(given.1)).unwrap();
        keyset().write(&path, Existing::Replace).unwrap();
        let replaced = fs::metadata(&path).unwrap();
        assert_eq!((replaced.uid(), replaced.gid()), given);
        assert_eq!(mode(&path), 0o600);
    }
}
