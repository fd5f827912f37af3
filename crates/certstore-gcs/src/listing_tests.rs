//! Pages as the server gives them.

use google_cloud_storage::model::Object;

use super::*;

#[test]
fn a_list_that_goes_in_a_circle_is_an_error() {
    let output = ListObjectsResponse::new().set_next_page_token("t");
    assert_eq!(page(output.clone(), "").unwrap().next.as_deref(), Some("t"));
    assert_eq!(page(output.clone(), "s").unwrap().next.as_deref(), Some("t"));
    assert_eq!(page(output, "t").unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn a_list_ends_without_a_token() {
    assert_eq!(page(ListObjectsResponse::new(), "t").unwrap().next, None);
}

#[test]
fn a_page_holds_names_sizes_and_generations() {
    let object = Object::new().set_name("a/b").set_size(3).set_generation(7);
    let output = ListObjectsResponse::new().set_objects([object]).set_prefixes(["c/"]);
    let page = page(output, "").unwrap();
    assert_eq!((page.objects[0].name.as_str(), page.objects[0].size), ("a/b", Some(3)));
    assert_eq!(page.objects[0].version.as_ref().unwrap().as_str(), "7");
    assert_eq!(page.prefixes, ["c/"]);
}
