//! The tables of docs/migrate.md, which the tests take as what is to be shown.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Failure, Name, Outcome, Spec, ensure, workspace};

/// By which road data goes from one place to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Road {
    /// By none: the server says this.
    No(String),
    /// With `rdb-version-check relaxed`; without it the server says this.
    Relaxed(String),
    /// With another footer, or another first nine bytes; without it the server says this.
    Rewritten(String),
    /// As it is.
    Yes,
}

/// A cell of a table of roads.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The row's name.
    pub from: String,
    /// The column's server.
    pub to: Name,
    /// What the cell says.
    pub road: Road,
}

fn text() -> Outcome<String> {
    let path = workspace().join("docs/migrate.md");
    fs::read_to_string(&path).map_err(|error| Failure::from(error).during("docs/migrate.md"))
}

/// The rows of the first table below the heading, the head first.
pub fn rows(heading: &str) -> Outcome<Vec<Vec<String>>> {
    let text = text()?;
    let lines = text.lines().skip_while(|line| *line != format!("## {heading}"));
    let table =
        lines.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows: Vec<Vec<String>> = table.map(cells).collect();
    ensure(rows.len() > 2, || format!("docs/migrate.md has no table under {heading}"))?;
    // The line of dashes.
    rows.remove(1);
    Ok(rows)
}

/// The cells of a table of roads: rows are sources, columns the servers that take.
pub fn cells(heading: &str) -> Outcome<Vec<Cell>> {
    let mut rows = rows(heading)?.into_iter();
    let head = rows.next().unwrap_or_default();
    let mut cells = Vec::new();
    for row in rows {
        let from = row.first().cloned().unwrap_or_default();
        for (to, cell) in head.iter().zip(&row).skip(1) {
            let Ok(to) = Name::parse(to) else { continue };
            cells.push(Cell { from: from.clone(), to, road: road(cell)? });
        }
    }
    Ok(cells)
}

fn road(cell: &str) -> Outcome<Road> {
    if cell == "yes" {
        return Ok(Road::Yes);
    }
    let odd = || Failure::new(format!("a cell that says nothing known: {cell}"));
    let (word, letter) = cell.split_once(" (").ok_or_else(odd)?;
    let refusal = refusal(letter.trim_end_matches(')'))?;
    match word {
        "no" => Ok(Road::No(refusal)),
        "relaxed" => Ok(Road::Relaxed(refusal)),
        "re-signed" | "rewritten" => Ok(Road::Rewritten(refusal)),
        _ => Err(odd()),
    }
}

/// What the server says where a cell names this letter.
fn refusal(letter: &str) -> Outcome<String> {
    let rows = rows("What servers say")?;
    let row = rows.iter().find(|row| row.first().is_some_and(|first| first == letter));
    let said = row.and_then(|row| row.get(1)).map(|said| said.trim_matches('`').to_owned());
    said.ok_or_else(|| Failure::new(format!("the page does not say what ({letter}) is")))
}

/// The servers named in a cell, parted by commas.
pub fn names(cell: &str) -> Outcome<Vec<Name>> {
    cell.split(", ").map(Name::parse).collect()
}

/// The server on this file, by the cell's road.
pub fn on_road(spec: Spec, file: &[u8], cell: &Cell) -> Outcome<Spec> {
    Ok(match &cell.road {
        Road::Yes => spec.file("dump.rdb", file),
        Road::Relaxed(_) => {
            spec.file("dump.rdb", file).options(&["--rdb-version-check", "relaxed"])
        }
        Road::Rewritten(_) => {
            let is_old = cell.to.as_str() == "redis-7.0";
            let file = rewrite(file, if is_old { "REDIS0010" } else { "REDIS0011" })?;
            spec.file("dump.rdb", &file).options(&["--rdbchecksum", "no"])
        }
        Road::No(said) => return Err(Failure::new(format!("no road: {said}"))),
    })
}

static REWRITTEN: AtomicU32 = AtomicU32::new(0);

/// The file as the page's command for `magic` leaves it.
fn rewrite(file: &[u8], magic: &str) -> Outcome<Vec<u8>> {
    let text = text()?;
    let begin = format!("printf {magic} | dd");
    let line = text.lines().find(|line| line.starts_with(&begin));
    let line = line.ok_or_else(|| Failure::new(format!("the page has no line {begin}")))?;
    let number = REWRITTEN.fetch_add(1, Ordering::Relaxed);
    let label = format!("keyspan-{}-rewrite-{number}", std::process::id());
    let folder = std::env::temp_dir().join(label);
    fs::create_dir_all(&folder)?;
    let path = folder.join("dump.rdb");
    fs::write(&path, file)?;
    let done = Command::new("sh").args(["-c", line]).current_dir(&folder).output()?;
    let rewritten = fs::read(&path)?;
    fs::remove_dir_all(&folder)?;
    ensure(done.status.success(), || String::from_utf8_lossy(&done.stderr).into_owned())?;
    Ok(rewritten)
}
