use super::*;

fn program(name: &str) -> Program {
    Program { name: name.to_owned(), executable: PathBuf::new(), folder: PathBuf::new() }
}

#[test]
fn test_programs_are_found_among_cargos_messages() {
    let messages = concat!(
        r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/a/Cargo.toml","target":{"kind":["test"],"name":"servers"},"profile":{"test":true},"executable":"/w/target/servers-1"}"#,
        "\n",
        r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":true},"executable":"/w/target/a-1"}"#,
        "\n",
        r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/a/Cargo.toml","target":{"kind":["example"],"name":"show"},"profile":{"test":false},"executable":"/w/target/show"}"#,
        "\n",
        r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":false},"executable":null}"#,
        "\n",
        r#"{"reason":"build-finished","success":true}"#,
        "\n",
    );
    let found = found(messages).unwrap();
    let names: Vec<&str> = found.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names, ["a servers", "a a (lib)"]);
    assert_eq!(found[0].folder, Path::new("/w/crates/a"));
    assert_eq!(found[0].executable, Path::new("/w/target/servers-1"));
}

#[test]
fn each_program_is_done_once_and_what_failed_is_collected() {
    let programs: Vec<Program> = (0..50).map(|number| program(&format!("p {number}"))).collect();
    let mut ended = Vec::new();
    let failed = each(
        &programs,
        |program| program.name.ends_with('7'),
        |program, seven| {
            ended.push(program.name.clone());
            seven.then(|| program.name.clone())
        },
    );
    assert_eq!((ended.len(), failed.len()), (50, 5));
}

#[test]
fn long_programs_are_told_by_their_target() {
    assert!(is_long("certstore-s3 conformance_moto"));
    assert!(!is_long("conformance certstore_conformance (lib)"));
    assert!(!is_long("certstore-s3 servers"));
}
