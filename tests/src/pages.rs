//! Pages of the documents that tables write, and what the tables must say.

use std::fs;

use keyspan_common::{
    command::{Arity, Row},
    docs,
    settings::Setting,
};

use crate::example::Example;
use crate::{Outcome, ensure, workspace};

/// The tables of one module.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Name of its pages, without the ending.
    pub page: &'a str,
    /// What its commands are called together.
    pub commands: &'a str,
    /// Name in MODULE LIST.
    pub module: &'a str,
    /// Its commands.
    pub rows: &'a [Row],
    /// Its settings.
    pub settings: &'a [&'a Setting],
}

impl Tables<'_> {
    /// Compares the pages of a module with its tables, or writes them where `KEYSPAN_BLESS` is set.
    ///
    /// # Errors
    /// The page that differs, or the file that cannot be written.
    pub fn check_pages(&self) -> Outcome<()> {
        let Self { page, commands, module, rows, settings } = *self;
        let examples = Example::read(page)?;
        let more = |row: &Row| {
            let example =
                examples.iter().find(|example| example.command.eq_ignore_ascii_case(row.name));
            example.map(Example::markdown).unwrap_or_default()
        };
        check(&format!("docs/commands/{page}.md"), &docs::commands(commands, rows, more))?;
        let title = format!("Settings of {commands}");
        check(&format!("docs/settings/{page}.md"), &docs::settings(&title, module, settings))
    }

    /// Checks that every command says what it does.
    ///
    /// # Errors
    /// The command and what it lacks.
    pub fn check_rows(&self) -> Outcome<()> {
        for Row { name, summary, complexity, arguments, arity, .. } in self.rows {
            let lacks = |what: &str| format!("{name}: {what}");
            ensure(!summary.is_empty() && !summary.ends_with('.'), || lacks("summary"))?;
            ensure(complexity.starts_with("O("), || lacks("complexity"))?;
            let is_alone = *arity == Arity::Exactly(1);
            ensure(is_alone == arguments.is_empty(), || lacks("arguments"))?;
        }
        let examples = Example::read(self.page)?;
        let (names, shown): (Vec<_>, Vec<_>) = (
            self.rows.iter().map(|row| row.name.to_uppercase()).collect(),
            examples.into_iter().map(|example| example.command).collect(),
        );
        ensure(names == shown, || {
            format!("tests/examples/{}.txt: {shown:?}, not {names:?}", self.page)
        })
    }
}

fn check(file: &str, text: &str) -> Outcome<()> {
    let path = workspace().join(file);
    if std::env::var_os("KEYSPAN_BLESS").is_some() {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    ensure(found == text, || format!("{file} is not what the tables say: run scripts/docs"))
}
