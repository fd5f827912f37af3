use super::*;

#[test]
fn a_clause_ends_where_its_bullet_ends() {
    let docs: Vec<String> = [
        "Summary.",
        "",
        "* **\\[LOAD-1\\]** The value of",
        "  the last store.",
        "* **\\[LOAD-2\\]** Missing is [`ErrorKind::NotFound`].",
        "",
        "  Not part of it.",
    ]
    .map(str::to_owned)
    .to_vec();
    let clauses = stated(&docs);
    assert_eq!(clauses[0], ("LOAD-1".into(), "The value of the last store.".into()));
    assert_eq!(clauses[1], ("LOAD-2".into(), "Missing is `ErrorKind::NotFound`.".into()));
    assert_eq!(clauses.len(), 2);
}

#[test]
fn links_leave_their_text() {
    assert_eq!(without_links("a ([`Tree`](crate::Tree)) b [c] d"), "a (`Tree`) b c d");
    assert_eq!(without_links("open [ bracket"), "open [ bracket");
}

#[test]
fn the_contract_is_found() {
    let clauses = in_core().unwrap();
    let first = clauses.iter().find(|clause| clause.id == "STORE-1").unwrap();
    assert_eq!(first.item, "Storage::store");
    assert!(clauses.len() > 50, "{}", clauses.len());
}
