//! The pages and the command table of search. A file for each module: a program holds one of them.

use keyspan_search::{commands, settings::SETTINGS};
use keyspan_tests::{Outcome, pages::Tables};

#[test]
fn the_pages_are_what_the_tables_say() -> Outcome<()> {
    let rows = commands::rows();
    let tables = Tables {
        page: "search",
        commands: "FT.*",
        module: "search",
        rows: &rows,
        settings: &SETTINGS,
    };
    tables.check_rows()?;
    tables.check_pages()
}
