//! The pages and the command table of json. A file for each module: a program holds one of them.

use keyspan_json::{commands, settings::SETTINGS};
use keyspan_tests::{Outcome, pages::Tables};

#[test]
fn the_pages_are_what_the_tables_say() -> Outcome<()> {
    let rows = commands::rows();
    let tables = Tables {
        page: "json",
        commands: "JSON.*",
        module: "ReJSON",
        rows: &rows,
        settings: &SETTINGS,
    };
    tables.check_rows()?;
    tables.check_pages()
}
