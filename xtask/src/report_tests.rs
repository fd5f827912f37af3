use super::*;

const JSON: &str = r#"{"backend":"x","passed":1,"failed":1,"not_supported":1,"declared":{"cas":"Full"},"clauses":[
  {"id":"LOAD-1","title":"One.","outcome":"passed","detail":null,"milliseconds":3,"notes":["1 round trip"]},
  {"id":"LOAD-2","title":"Two.","outcome":"failed","detail":"got 3","milliseconds":3,"notes":[]},
  {"id":"CAS-1","title":"Three.","outcome":"not-supported","detail":"no cas","milliseconds":0,"notes":[]}]}"#;

#[test]
fn a_report_is_read() {
    let report = Report::parse("fs", JSON).unwrap();
    assert_eq!(
        (report.count("passed"), report.count("failed"), report.count("not-supported")),
        (1, 1, 1)
    );
    assert_eq!(report.clause("LOAD-1").unwrap().notes, ["1 round trip"]);
    assert_eq!(report.declared, [("cas".to_owned(), "Full".to_owned())]);
    assert!(Report::parse("fs", "{}").is_err());
    assert!(Report::parse("fs", "").is_err());
}

#[test]
fn what_a_server_cannot_prove_is_told_apart() {
    let json = JSON.replace("no cas", "unproven on this server: it differs");
    let report = Report::parse("moto", &json).unwrap();
    assert_eq!((report.count("not-supported"), report.count("unproven")), (0, 1));
    assert!(table(&[report]).contains("CAS-1 on moto: unproven: unproven on this server"));
}

#[test]
fn the_table_shows_failures_and_what_is_missing() {
    let all = Report::parse("one", JSON).unwrap();
    let mut fewer = all.clone();
    fewer.backend = "two".into();
    fewer.clauses.retain(|clause| clause.id != "LOAD-1");
    let table = table(&[all, fewer]);
    assert!(table.contains("LOAD-1      passed         missing"), "{table}");
    assert!(table.contains("LOAD-2 on two: failed: got 3"), "{table}");
    assert!(table.contains("CAS-1 on one: not-supported: no cas"), "{table}");
}
