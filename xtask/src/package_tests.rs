use super::*;

#[test]
fn the_workspace_of_packages_is_built_as_this_one() {
    let member = Package {
        name: "certstore-x".into(),
        folder: String::new(),
        publish: true,
        dependencies: Vec::new(),
    };
    let root = "[workspace]\nmembers = [\"a\"]\n[profile.dev]\ndebug = 1\n[lints]\nx = 1\n[profile.release]\nlto = true\n";
    let text = manifest(&[member], root);
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.contains(&format!("members = [\"certstore-x-{version}\"]")), "{text}");
    assert!(
        text.contains(&format!("certstore-x = {{ path = \"certstore-x-{version}\" }}")),
        "{text}"
    );
    assert!(text.ends_with("[profile.dev]\ndebug = 1\n[profile.release]\nlto = true\n"), "{text}");
}
