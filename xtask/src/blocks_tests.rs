use super::*;

#[test]
fn only_blocks_that_name_a_file_are_taken() {
    let page = "Text\n```rust file=src/lib.rs\nfn a() {}\n\nfn b() {}\n```\n```sh\nrm x\n```\n```toml file=Cargo.toml\n[package]\n```\n";
    let found = blocks(page);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0],
        Block { file: "src/lib.rs".into(), text: "fn a() {}\n\nfn b() {}\n".into() }
    );
    assert_eq!(found[1], Block { file: "Cargo.toml".into(), text: "[package]\n".into() });
}
