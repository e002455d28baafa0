//! The pages and the command table of timeseries. A file for each module: a program holds one of them.

use keyspan_tests::{Outcome, pages::Tables};
use keyspan_timeseries::{commands, settings::SETTINGS};

#[test]
fn the_pages_are_what_the_tables_say() -> Outcome<()> {
    let rows = commands::rows();
    let tables = Tables {
        page: "timeseries",
        commands: "TS.*",
        module: "timeseries",
        rows: &rows,
        settings: &SETTINGS,
    };
    tables.check_rows()?;
    tables.check_pages()
}
