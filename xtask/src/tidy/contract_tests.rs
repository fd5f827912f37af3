use super::*;

fn clause(id: &str) -> Clause {
    Clause { id: id.into(), text: String::new(), item: String::new(), file: "core.rs".into() }
}

#[test]
fn clause_and_case_must_match_one_to_one() {
    let cases = BTreeMap::from([
        ("LOAD-1".to_owned(), 1),
        ("LOAD-9".to_owned(), 1),
        ("STAT-1".to_owned(), 2),
    ]);
    let clauses = ["LOAD-1", "LOAD-1", "LOAD-2", "STAT-1"].map(clause);
    let found = compare(&clauses, &cases);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].contains("LOAD-1 is stated twice"));
    assert!(found[1].contains("LOAD-2 has no case"));
    assert!(found[2].contains("LOAD-9 is no clause"));
    assert!(found[3].contains("STAT-1 stands there 2 times"));
}

#[test]
fn numbers_are_recognised() {
    assert!(is_number("STORE-1") && is_number("TRYLOCK-12"));
    for no in ["STORE", "store-1", "STORE-0", "STORE-1a", "-1", "UTF-8x"] {
        assert!(!is_number(no), "{no}");
    }
}

#[test]
fn a_table_inside_a_macro_is_read() {
    let mut numbers = Numbers::default();
    let file = syn::parse_file(
        "table! { [(\"LOAD-1\", a), (\"LOAD-2\", b)] } const X: &str = \"LOAD-3\";",
    )
    .unwrap();
    numbers.visit_file(&file);
    assert_eq!(numbers.0.keys().collect::<Vec<_>>(), ["LOAD-1", "LOAD-2", "LOAD-3"]);
}
