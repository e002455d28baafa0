//! Articles in SQLite.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Result, params};

/// The truth; asked only for what neither memory nor the server knows.
pub(crate) struct Database(Mutex<Connection>);

impl Database {
    /// A database in memory with a thousand articles.
    pub(crate) fn sample() -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, text TEXT)", ())?;
        let database = Self(Mutex::new(connection));
        for id in 0..1000 {
            database.keep(id, &format!("article {id}\n"))?;
        }
        Ok(database)
    }

    /// The text of an article.
    pub(crate) fn article(&self, id: u32) -> Result<Option<Vec<u8>>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let query = "SELECT text FROM articles WHERE id = ?1";
        connection.query_row(query, [id], |row| row.get::<_, String>(0).map(Into::into)).optional()
    }

    /// Writes an article.
    pub(crate) fn keep(&self, id: u32, text: &str) -> Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let insert = "INSERT OR REPLACE INTO articles VALUES (?1, ?2)";
        connection.execute(insert, params![id, text]).map(drop)
    }
}
