//! A web service with three layers: memory, the server, a database.
//!
//! ```text
//! cargo run -p keyspan-l1 --example web -- [redis://127.0.0.1:6379] [127.0.0.1:3000]
//! curl localhost:3000/articles/1                # the database, once; then memory
//! curl -X PUT -d 'new text' localhost:3000/articles/1
//! curl localhost:3000/metrics
//! ```

mod database;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use keyspan_l1::{AsyncL1, Error, L1};

use database::Database;

/// How long the server keeps an article.
const LIFE: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Service {
    cache: AsyncL1,
    database: Arc<Database>,
}

type Answer<T> = Result<T, (StatusCode, String)>;

fn failure(error: Error) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

fn key(id: u32) -> String {
    format!("article:{id}")
}

/// Memory, then the server, then the database: one query, however many ask.
async fn read(State(service): State<Service>, Path(id): Path<u32>) -> Answer<Vec<u8>> {
    let Service { cache, database } = service;
    let query = || async move {
        let text = tokio::task::spawn_blocking(move || database.article(id)).await;
        // A query that panicked has found nothing.
        text.unwrap_or(Ok(None))
    };
    let article = cache.get_or_load(key(id), Some(LIFE), query).await.map_err(failure)?;
    let article = article.ok_or((StatusCode::NOT_FOUND, "no such article\n".into()))?;
    Ok(article.to_vec())
}

/// The database first; then what is cached of it goes, everywhere.
async fn write(
    State(service): State<Service>,
    Path(id): Path<u32>,
    text: String,
) -> Answer<StatusCode> {
    let database = Arc::clone(&service.database);
    let written = tokio::task::spawn_blocking(move || database.keep(id, &text)).await;
    if !matches!(written, Ok(Ok(()))) {
        return Err((StatusCode::INTERNAL_SERVER_ERROR, "not written\n".into()));
    }
    service.cache.del(&[key(id)]).await.map_err(failure)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metrics(State(service): State<Service>) -> String {
    service.cache.stats().prometheus()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let server = words.next().unwrap_or("redis://127.0.0.1:6379".into());
    let place = words.next().unwrap_or("127.0.0.1:3000".into());
    let cache = L1::builder(&server).build_async().await?;
    let service = Service { cache, database: Arc::new(Database::sample()?) };
    let router = Router::new()
        .route("/articles/{id}", get(read).put(write))
        .route("/metrics", get(metrics))
        .with_state(service);
    let listener = tokio::net::TcpListener::bind(place).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
