use super::*;

#[test]
fn a_second_rustls_and_any_openssl_are_found() {
    let text = "[[package]]\nname = \"rustls\"\n\n[[package]]\nname = \"rustls\"\n\n[[package]]\nname = \"openssl-sys\"\n";
    let found = in_lock_file(text);
    assert_eq!(found.len(), 2);
    assert!(found[0].contains("openssl-sys"));
    assert!(found[1].contains("two versions of rustls"));
    assert_eq!(in_lock_file("[[package]]\nname = \"rustls\"\n"), Vec::<String>::new());
}
