//! The pages and the command table of bloom. A file for each module: a program holds one of them.

use keyspan_bloom::{commands, settings::SETTINGS};
use keyspan_tests::{Outcome, pages::Tables};

#[test]
fn the_pages_are_what_the_tables_say() -> Outcome<()> {
    let rows = commands::rows();
    let tables = Tables {
        page: "bloom",
        commands: "BF.*, CF.*, CMS.*, TOPK.*, TDIGEST.*",
        module: "bf",
        rows: &rows,
        settings: &SETTINGS,
    };
    tables.check_rows()?;
    tables.check_pages()
}
