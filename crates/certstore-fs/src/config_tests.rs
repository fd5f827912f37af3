use certstore_core::ErrorKind;

use super::*;

#[test]
fn a_url_gives_path_and_options() {
    let plain = FsConfig::from_url("file:///var/lib/certstore").expect("a URL");
    assert_eq!(plain, FsConfig::new("/var/lib/certstore"));
    let local =
        FsConfig::from_url("file://localhost/srv/a%20b%23?create=false&io=pool").expect("a URL");
    assert_eq!(local, FsConfig::new("/srv/a b#").with_create(false).with_io(Io::Pool));
    assert_eq!(FsConfig::from_url("file:/srv").expect("a URL").root, PathBuf::from("/srv"));
}

#[test]
fn a_path_may_be_other_than_utf8() {
    let config = FsConfig::from_url("file:///srv/%ff").expect("a URL");
    assert_eq!(config.root.into_os_string().into_vec(), b"/srv/\xff");
}

#[test]
fn a_wrong_url_says_what_is_wrong() {
    let table = [
        ("redis://host", "file:///absolute/path"),
        ("file://srv/data", "three slashes"),
        ("file:data", "three slashes"),
        ("file://", "three slashes"),
        ("file:///a%0", "hexadecimal"),
        ("file:///a%zz", "hexadecimal"),
        ("file:///a%00b", "NUL"),
        ("file:///a#b", "%23"),
        ("file:///a?creat=true", "\"create\""),
        ("file:///a?IO=pool", "\"io\""),
        ("file:///a?io=fast", "inline or pool"),
        ("file:///a?create", "name=value"),
        ("file:///a?io=%ff", "UTF-8"),
    ];
    for (url, hint) in table {
        let error = FsConfig::from_url(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
        assert!(error.to_string().contains(hint), "{url}: {error}");
    }
}
