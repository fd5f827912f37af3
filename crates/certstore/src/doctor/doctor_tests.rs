use std::sync::Arc;

use certstore_core::{Error, ErrorKind};

use super::{Check, CheckStatus, DoctorOptions, DoctorReport, doctor};
use crate::Config;
use crate::clean::test_support::SetClock;

fn find<'a>(report: &'a DoctorReport, name: &str) -> &'a Check {
    report
        .checks
        .iter()
        .find(|check| check.check.starts_with(name))
        .unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

#[tokio::test]
async fn a_sound_storage_has_every_check_and_nothing_fails() {
    let report = doctor(Config::from_url("memory:"), &DoctorOptions::default()).await;
    assert!(report.is_ok(), "{report:#?}");
    for name in ["config", "storage", "permission: store", "locking", "clock", "contents", "locks"]
    {
        assert_eq!(find(&report, name).status, CheckStatus::Ok, "{name}");
    }
    let durability = find(&report, "durability");
    assert!(durability.status == CheckStatus::Warn && durability.advice.is_some());
    assert_eq!(find(&report, "contents").detail, "0 names at the root", "nothing is left behind");
}

#[tokio::test]
async fn a_config_that_cannot_be_read_is_the_first_check() {
    let wrong = Err(Error::new(ErrorKind::InvalidConfig, "unknown key \"x\""));
    let report = doctor(wrong, &DoctorOptions::default()).await;
    assert_eq!((report.is_ok(), report.count(CheckStatus::Fail)), (false, 1));
    assert_eq!(report.count(CheckStatus::Skipped), report.checks.len() - 1);
    assert!(find(&report, "config").advice.as_deref().unwrap().contains("correct the config"));
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    for (years_off, status) in [(0, CheckStatus::Ok), (3, CheckStatus::Fail)] {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let clock = Arc::new(SetClock::at(now + years_off * 31_536_000));
        let options = DoctorOptions { clock, ..DoctorOptions::default() };
        let report = doctor(Config::from_url("memory:"), &options).await;
        assert_eq!(find(&report, "clock").status, status, "{report:#?}");
    }
}

#[cfg(all(unix, feature = "fs"))]
mod files {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{CheckStatus, Config, DoctorOptions, doctor, find};

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn modes_leftovers_and_foreign_names_are_warnings() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("store");
        std::fs::create_dir_all(root.join("certstore-probe-0123")).unwrap();
        std::fs::write(root.join("certstore-probe-0123/value"), "x").unwrap();
        std::fs::write(root.join("no key!"), "x").unwrap();
        mode(&root, 0o755);
        let url = format!("file://{}", root.display());
        let report = doctor(Config::from_url(&url), &DoctorOptions::default()).await;
        assert!(report.is_ok(), "{report:#?}");
        assert!(find(&report, "directory").detail.contains("0755"), "{report:#?}");
        for (name, part) in [
            ("directory", "chmod 700"),
            ("left behind", "certstore rm"),
            ("foreign names", "rename"),
        ] {
            let check = find(&report, name);
            assert_eq!(check.status, CheckStatus::Warn, "{name}");
            assert!(check.advice.as_deref().unwrap().contains(part), "{check:?}");
        }
        let mut left: Vec<_> = std::fs::read_dir(&root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["certstore-probe-0123", "locks", "no key!"]);
    }

    #[tokio::test]
    async fn a_path_that_is_a_file_fails_with_advice() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let url = format!("file://{}", file.display());
        let report = doctor(Config::from_url(&url), &DoctorOptions::default()).await;
        assert!(!report.is_ok());
        assert_eq!(find(&report, "directory").status, CheckStatus::Fail);
        assert!(
            report
                .checks
                .iter()
                .all(|check| check.status != CheckStatus::Fail || check.advice.is_some())
        );
    }
}
