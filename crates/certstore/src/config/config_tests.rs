use std::path::Path;

use certstore_core::ErrorKind;

use super::{Config, Environment};

fn refused(toml: &str) -> String {
    let error = Config::from_toml(toml).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{toml}: {error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error.to_string()
}

#[test]
fn a_file_names_backend_and_path() {
    let config = Config::from_toml("[storage]\nbackend = \"fs\"\npath = \"/srv/certs\"").unwrap();
    assert_eq!((config.backend(), config.path()), ("fs", Some(Path::new("/srv/certs"))));
    assert_eq!(Config::from_toml("").unwrap().backend(), "fs");
}

#[test]
fn unknown_keys_name_the_key_and_the_nearest() {
    assert_eq!(
        refused("[storage]\npth = \"x\""),
        "unknown key \"pth\" in [storage]; the nearest is \"path\""
    );
    assert_eq!(
        refused("[storrage]\n"),
        "unknown key \"storrage\" at the top level; the nearest is \"storage\""
    );
    assert_eq!(
        refused("[storage]\nbackend = \"fss\""),
        "unknown backend \"fss\" in [storage]; the nearest is \"fs\""
    );
    assert_eq!(
        refused("[storage.lock]\nbackend = \"memory\"\nurll = \"x\""),
        "unknown key \"urll\" in [storage.lock]; the nearest is \"url\""
    );
    assert!(refused("[storage]\nzzz = 1").contains("known are: backend, url"), "nothing is near");
    let other = refused("[storage]\nbackend = \"memory\"\npath = \"x\"");
    assert!(
        other.starts_with("unknown key \"path\" of backend \"memory\" in [storage]; "),
        "{other}"
    );
}

#[test]
fn wrong_types_and_broken_toml_are_told_in_one_line() {
    assert_eq!(
        refused("[storage]\npath = 1"),
        "\"path\" in [storage] is to be a path that is not empty"
    );
    assert!(refused("[storage\n").starts_with("line 1 is not TOML: "), "{}", refused("[storage\n"));
    assert!(
        refused("[storage]\na = \n").starts_with("line 2 is not TOML: "),
        "{}",
        refused("[storage]\na = \n")
    );
    assert_eq!(refused("storage = 1"), "\"storage\" is a section: write [storage]");
    assert_eq!(refused("[storage]\nlock = 1"), "\"lock\" is a section: write [storage.lock]");
}

#[cfg(not(feature = "seal"))]
#[test]
fn sealing_is_refused_not_ignored() {
    assert!(refused("[storage.seal]\nkeyset = \"k\"").starts_with("this build cannot seal values"));
}

#[cfg(feature = "seal")]
#[test]
fn the_section_of_sealing_names_its_keys() {
    let config =
        Config::from_toml("[storage.seal]\nkeyset = \"k.json\"\nstore_id = \"a\"").unwrap();
    assert!(config.is_sealed());
    let seal = config.seal.unwrap();
    assert_eq!(seal.store_id.as_deref(), Some("a"));
    assert!(!seal.accept_plaintext);
    for (toml, message) in [
        ("[storage]\nseal = 1", "\"seal\" is a section: write [storage.seal]"),
        (
            "[storage.seal]\nkeysett = \"k\"",
            "unknown key \"keysett\" in [storage.seal]; the nearest is \"keyset\"",
        ),
        (
            "[storage.seal]\nkeyset = \"k\"\nkeyset_env = \"K\"",
            "[storage.seal] has \"keyset\" and \"keyset_env\"; remove one",
        ),
        (
            "[storage.seal]\naccept_plaintext = \"maybe\"",
            "\"accept_plaintext\" in [storage.seal] is to be true or false",
        ),
    ] {
        assert_eq!(refused(toml), message);
    }
    assert!(refused("[storage.seal]\nstore_id = \"a\"").contains("certstore keyset create"));
}

#[cfg(feature = "seal")]
#[test]
fn variables_can_seal_and_a_url_does_not_unseal() {
    let file = "[storage.seal]\nkeyset = \"/k\"";
    let mut draft = super::Draft::from_toml(file).unwrap();
    let variables = [
        ("CERTSTORE_STORAGE_URL", "memory:"),
        ("CERTSTORE_STORAGE_SEAL_STORE_ID", "b"),
        ("HOME", "/h"),
    ];
    draft.override_by(Environment::new(variables, "").variables()).unwrap();
    let config = Config::from_draft(draft, None).unwrap();
    assert_eq!((config.backend(), config.is_sealed()), ("memory", true));
    assert_eq!(config.seal.unwrap().store_id.as_deref(), Some("b"));
    let mut draft = super::Draft::default();
    let wrong = [("CERTSTORE_STORAGE_SEAL_KEYSETT", "/k")];
    let error = draft.override_by(Environment::new(wrong, "").variables()).unwrap_err();
    assert!(error.to_string().contains("CERTSTORE_STORAGE_SEAL_KEYSET\""), "{error}");
}

#[test]
fn a_url_in_the_file_is_refined_by_the_other_keys() {
    let config = Config::from_toml("[storage]\nurl = \"file:///a\"\npath = \"/b\"").unwrap();
    assert_eq!(config.path(), Some(Path::new("/b")));
    let both = refused("[storage]\nurl = \"file:///a\"\nbackend = \"memory\"");
    assert_eq!(
        both,
        "[storage] has the backend \"memory\" and a URL of the backend \"fs\"; remove one"
    );
}

#[test]
fn relative_paths_start_at_the_config_file() {
    let dir = std::env::temp_dir().join(format!("certstore-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("c.toml");
    std::fs::write(&file, "[storage]\npath = \"data\"\n").unwrap();
    assert_eq!(Config::from_file(&file).unwrap().path(), Some(dir.join("data").as_path()));
    std::fs::write(&file, "[storage]\npaht = \"data\"\n").unwrap();
    let shown = Config::from_file(&file).unwrap_err().to_string();
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(
        shown,
        format!(
            "cannot read config \"{}\": unknown key \"paht\" in [storage]; the nearest is \"path\"",
            file.display()
        )
    );
    assert_eq!(
        Config::from_file(&file).unwrap_err().kind(),
        ErrorKind::InvalidConfig,
        "no such file"
    );
}

#[test]
fn discovery_goes_from_variable_to_file_to_default() {
    let dir = std::env::temp_dir().join(format!("certstore-discover-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let home = Environment::new([("HOME", "/home/u")], &dir);
    #[cfg(target_os = "linux")]
    assert_eq!(
        Config::discover_in(&home).unwrap().path(),
        Some(Path::new("/home/u/.local/share/certstore")),
        "without a file"
    );
    #[cfg(target_os = "linux")]
    assert_eq!(
        Environment::new([("HOME", "/home/u"), ("XDG_DATA_HOME", "/data")], &dir)
            .default_storage()
            .as_deref(),
        Some(Path::new("/data/certstore"))
    );
    std::fs::write(dir.join("certstore.toml"), "[storage]\nbackend = \"memory\"").unwrap();
    assert_eq!(
        Config::discover_in(&home).unwrap().backend(),
        "memory",
        "a file in the working directory"
    );
    std::fs::write(dir.join("other.toml"), "[storage]\npath = \"/named\"").unwrap();
    let named = Environment::new([("CERTSTORE_CONFIG", "other.toml")], &dir);
    assert_eq!(
        Config::discover_in(&named).unwrap().path(),
        Some(Path::new("/named")),
        "a file that is named"
    );
    let missing = Environment::new([("CERTSTORE_CONFIG", "none.toml")], &dir);
    assert_eq!(Config::discover_in(&missing).unwrap_err().kind(), ErrorKind::InvalidConfig);
    std::fs::remove_dir_all(&dir).unwrap();
    let homeless = Environment::new(Vec::<(String, String)>::new(), &dir);
    let error = Config::discover_in(&homeless).unwrap_err();
    assert!(error.to_string().contains("no home directory"), "{error}");
}

#[test]
fn variables_stand_over_the_file() {
    let with = |name: &str, value: &str| {
        let mut draft =
            super::Draft::from_toml("[storage]\nbackend = \"fs\"\npath = \"/a\"").unwrap();
        draft.override_by(Environment::new([(name, value), ("HOME", "/h")], "").variables())?;
        Config::from_draft(draft, None)
    };
    assert_eq!(with("CERTSTORE_STORAGE_PATH", "/b").unwrap().path(), Some(Path::new("/b")));
    assert_eq!(
        with("CERTSTORE_STORAGE_PATH", "").unwrap().path(),
        Some(Path::new("/a")),
        "empty is as if unset"
    );
    assert_eq!(
        with("CERTSTORE_STORAGE_URL", "memory:").unwrap().backend(),
        "memory",
        "replaces the section"
    );
    assert_eq!(
        with("CERTSTORE_STORAGE_BACKEND", "memory").unwrap().backend(),
        "memory",
        "replaces the section"
    );
    assert!(with("CERTSTORE_STORAGE_LOCK_URL", "memory:").unwrap().lock.is_some());
    assert_eq!(
        with("CERTSTORE_STORAGE_PAHT", "/b").unwrap_err().to_string(),
        "unknown variable \"CERTSTORE_STORAGE_PAHT\" in the environment; the nearest is \"CERTSTORE_STORAGE_PATH\""
    );
}

#[test]
fn the_reference_and_the_help_name_every_key() {
    let (page, help) = (super::config_reference(), super::config_help());
    for key in super::KEYS {
        assert!(
            page.contains(&format!("| `{}` |", key.name)) && page.contains(&key.env()),
            "{}",
            key.name
        );
        assert!(
            help.contains(&format!("  {} (", key.name)) && help.contains(key.doc),
            "{}",
            key.name
        );
    }
    for backend in super::BACKENDS {
        assert!(page.contains(backend.example), "{}", backend.name);
        if backend.available {
            assert_eq!(Config::from_url(backend.example).unwrap().backend(), backend.name);
        }
    }
}

#[cfg(feature = "cache")]
#[test]
fn the_section_of_the_copy_names_its_keys() {
    let text = "[storage]\npath = \"/data\"\n[storage.cache]\npath = \"/copy\"\nkeyset = \"/k\"\nmax_entries = 5\nmax_age = \"30s\"";
    let config = Config::from_toml(text).unwrap();
    assert!(config.is_cached() && !config.without_cache().is_cached());
    assert!(!config.beneath("x").unwrap().is_cached(), "a scratch place has no copy");
    let cache = config.cache.unwrap();
    assert_eq!((cache.path.as_deref(), cache.max_entries), (Some(Path::new("/copy")), Some(5)));
    assert_eq!(cache.max_age, Some(std::time::Duration::from_secs(30)));
    assert!(Config::from_toml("[storage.cache]").unwrap().is_cached(), "defaults are enough");
    for (toml, message) in [
        ("[storage]\ncache = 1", "\"cache\" is a section: write [storage.cache]"),
        (
            "[storage.cache]\nmax_entrys = 1",
            "unknown key \"max_entrys\" in [storage.cache]; the nearest is \"max_entries\"",
        ),
        (
            "[storage.cache]\nmax_age = \"soon\"",
            "\"max_age\" in [storage.cache] is to be a duration, like \"250ms\", \"10s\" or \"12h\"",
        ),
        (
            "[storage.cache]\npath = \"/c\"\nkeyset = \"k\"\nkeyset_env = \"K\"",
            "[storage.cache] has \"keyset\" and \"keyset_env\"; remove one",
        ),
        (
            "[storage]\npath = \"/data\"\n[storage.cache]\npath = \"/data/copy\"",
            "the directories of [storage.cache] and of the storage lie within one another; give the copy a place of its own",
        ),
        (
            "[storage.cache]\nmax_bytes = 0",
            "\"max_bytes\" in [storage.cache] is to be at least 1; remove the section to keep no copy",
        ),
    ] {
        assert_eq!(refused(toml), message);
    }
    assert!(refused("[storage.cache]\nkeyset = \"/k\"").contains("name the directory"));
    assert!(refused("[storage.cache]\nsave_account_key = \"a//b\"").contains("save_account_key"));
}

#[cfg(not(feature = "cache"))]
#[test]
fn a_copy_is_refused_not_ignored() {
    assert!(refused("[storage.cache]\n").starts_with("this build keeps no copies"));
}

#[cfg(feature = "cache")]
#[test]
fn variables_set_keys_of_every_section() {
    let read = |variables: &[(&str, &str)]| {
        let mut draft = super::Draft::default();
        let variables = variables.iter().copied().chain([("HOME", "/h")]);
        draft.override_by(Environment::new(variables, "").variables())?;
        Config::from_draft(draft, None)
    };
    let config = read(&[("CERTSTORE_STORAGE_CACHE_MAX_ENTRIES", "7")]).unwrap();
    assert_eq!(config.cache.unwrap().max_entries, Some(7));
    let error = read(&[("CERTSTORE_STORAGE_CACHE_MAX_ENTRYS", "7")]).unwrap_err().to_string();
    assert!(error.contains("CERTSTORE_STORAGE_CACHE_MAX_ENTRIES\""), "{error}");
    assert!(read(&[("CERTSTORE_STORAGE_READ_ONLY", "true")]).unwrap().is_read_only());
    // A key of [storage] whose name starts as the variables of [storage.lock] do.
    let lock = read(&[
        ("CERTSTORE_STORAGE_BACKEND", "memory"),
        ("CERTSTORE_STORAGE_LOCK_BACKEND", "memory"),
        ("CERTSTORE_STORAGE_LOCK_LEASE", "3s"),
    ])
    .unwrap();
    assert_eq!(lock.lock.unwrap().duration("lease"), Some(std::time::Duration::from_secs(3)));
    let clock = read(&[("CERTSTORE_STORAGE_LOCK_CLOCK", "observe")]).unwrap_err().to_string();
    assert!(clock.contains("unknown key \"lock_clock\" of backend \"fs\" in [storage]"), "{clock}");
    let mode = read(&[("CERTSTORE_STORAGE_LOCK_MODE", "certmagic-oss")]).unwrap_err().to_string();
    assert!(mode.contains("unknown key \"lock_mode\" of backend \"fs\" in [storage]"), "{mode}");
    let mode = read(&[("CERTSTORE_STORAGE_LOCK_MODE", "cluster")]).unwrap_err().to_string();
    assert!(mode.contains("in [storage.lock]"), "{mode}");
}

#[tokio::test]
async fn a_url_may_be_to_read_only_and_memory_has_a_prefix() {
    use crate::{Dir, ErrorKind, open, open_url};
    let storage = open_url("memory:?read_only=true&lease=2s").await.unwrap();
    let refused = storage.store(&"a".parse().unwrap(), b"1").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(storage.list(&Dir::ROOT, true).await.unwrap().is_empty());
    let storage = open(&Config::from_url("memory:?prefix=prod/eu").unwrap()).await.unwrap();
    storage.store(&"a".parse().unwrap(), b"1").await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), ["a".parse().unwrap()]);
    assert!(
        refused_url("memory:?prefix=locks")
            .contains("\"prefix\" of backend \"memory\" is to be a directory")
    );
    assert!(refused_url("memory:?read_only=perhaps").contains("true or false"));
    let lock =
        "[storage]\nbackend = \"memory\"\n[storage.lock]\nbackend = \"memory\"\nread_only = true";
    assert!(self::refused(lock).starts_with("[storage.lock] has no \"read_only\""));
}

fn refused_url(url: &str) -> String {
    Config::from_url(url).unwrap_err().to_string()
}
