use super::{in_lines, in_stanzas};

#[test]
fn lines_with_and_without_options() {
    let text = "# deb http://commented.example/debian bookworm main\n\
                deb-src http://source.example/debian bookworm main\n\
                deb http://other.example/apt bookworm contrib\n\
                deb http://security.example/debian bookworm-security main\n\
                deb [ arch=amd64 signed-by=/k.gpg ] http://mirror.example/debian bookworm contrib main # ours\n";
    let line = in_lines(text, "bookworm").unwrap().line("bookworm-backports");
    assert_eq!(
        line,
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm-backports main"
    );
    let plain = in_lines("deb http://mirror.example/debian bookworm main\n", "bookworm").unwrap();
    assert_eq!(plain.line("x"), "deb http://mirror.example/debian x main");
    assert_eq!(in_lines(text, "trixie"), None);
}

#[test]
fn stanzas_of_the_release_alone() {
    let text = "Types: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n\n\
                Types: deb-src\nURIs: http://source.example/debian\nSuites: bookworm\nComponents: main\n\n\
                Types: deb deb-src\n# a remark: here\nURIs: http://mirror.example/debian http://second.example/\n\
                Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k.gpg\n";
    let line = in_stanzas(text, "bookworm").unwrap().line("bookworm-backports");
    assert_eq!(line, "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm-backports main");
    assert_eq!(in_stanzas(text, "trixie"), None);
}

#[test]
fn a_key_inside_the_stanza_is_left_to_apt() {
    let text = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n\
                Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n";
    let line = in_stanzas(text, "bookworm").unwrap().line("x");
    assert_eq!(line, "deb http://mirror.example/debian x main");
}
