//! Tables that an administrator makes, for a role that may not.

use crate::places::{Place, shared_postgres};
use crate::support::{Ran, Sandbox};

/// What the script tells the administrator to grant.
fn grants(script: &str, role: &str) -> String {
    let lines = script.lines().filter_map(|line| line.strip_prefix("-- GRANT "));
    lines.map(|line| format!("GRANT {}\n", line.replace("ROLE", role))).collect()
}

#[test]
fn the_printed_schema_is_all_that_a_role_without_rights_needs() {
    let sandbox = Sandbox::new();
    let server = shared_postgres();
    let place = Place::on_postgres();
    let database = place.url.rsplit('/').next().unwrap().to_owned();
    let role = format!("role_{}", database.replace('-', "_"));
    server.create_role(&role, "canary-of-the-role").unwrap();
    let url = format!(
        "postgres://{role}:canary-of-the-role@127.0.0.1:{}/{database}?schema=certs&table_prefix=my_",
        server.port()
    );
    let plain = format!("{url}&migrate=false");
    let run = |url: &str, arguments: &[&str]| {
        Ran::of(sandbox.command().args(["--storage", url]).args(arguments))
    };
    let usage = format!("CREATE SCHEMA certs; GRANT USAGE ON SCHEMA certs TO {role}");
    server.sql(&database, &usage).unwrap();
    // Before: it says who has to do what, and creates nothing.
    run(&plain, &["ls"]).fails(2, &["certstore schema print"]);
    run(&url, &["ls"]).fails(1, &["schema"]);
    let script = run(&plain, &["schema", "print"]).ok();
    assert!(!script.text().contains("canary-of-the-role"));
    for _ in 0..2 {
        server.sql(&database, script.text()).unwrap();
    }
    // The tables are there, but not for this role.
    assert_eq!(run(&plain, &["ls"]).code, Some(1));
    let granted = grants(script.text(), &role);
    assert!(granted.lines().count() >= 3 && granted.contains("\"my_entries\""), "{granted}");
    server.sql(&database, &granted).unwrap();
    run(&plain, &["put", "a/b", "/dev/null"]).ok();
    assert_eq!(run(&plain, &["ls", "-r"]).ok().text(), "a\na/b\n");
    run(&plain, &["lock", "job", "--", "true"]).ok();
    run(&plain, &["verify"]).ok();
    run(&plain, &["rm", "a/b"]).ok();
    // Even allowed to migrate, it finds nothing to do.
    run(&url, &["ls"]).ok();
    server.sql(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

#[test]
fn other_storages_have_no_schema() {
    let sandbox = Sandbox::new();
    for place in [Place::on_redis(), Place::on_s3(), Place::on_files(&sandbox)] {
        place.run(&sandbox, &["schema", "print"]).fails(1, &["only PostgreSQL"]);
    }
}
