//! `docs/wire.md` says what the code does.

use std::path::Path;

#[test]
fn the_tables_of_the_wire_page_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire.md");
    let page = std::fs::read_to_string(path).unwrap();
    for name in ["inbound", "attachment", "outbound", "button", "preview", "history", "kinds", "types", "limits"] {
        assert!(page.contains(&format!("<!-- table: {name} -->")), "docs/wire.md has no table `{name}`");
    }
    for (line, (is, should)) in page.lines().zip(codec::tables::fill(&page).lines()).enumerate() {
        assert_eq!(is, should, "docs/wire.md, line {}; see codec/examples/wire_tables.rs", line + 1);
    }
    assert_eq!(page, codec::tables::fill(&page), "see codec/examples/wire_tables.rs");
}
