//! The examples of the client-side cache run, each against a real server.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use keyspan_tests::{Outcome, Server, on_each_server, with_example};

/// Starts an example with these words after the server's address.
fn start(example: &str, server: &Server, words: &[&str]) -> Child {
    Command::new(with_example(example).unwrap().join(example))
        .arg(format!("redis://127.0.0.1:{}", server.port()))
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the example prints until it ends well.
fn output(example: &str, server: &Server, words: &[&str]) -> String {
    let output = start(example, server, words).wait_with_output().unwrap();
    assert!(output.status.success(), "{example} has failed");
    String::from_utf8(output.stdout).unwrap()
}

/// The status and the body of a request.
fn request(place: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(place).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

#[test]
fn documents_are_decoded_once() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let printed = output("documents", server, &[]);
            for price in ["lamp at 20", "lamp at 25"] {
                assert!(printed.contains(price), "{printed}");
            }
            Ok(())
        },
    )
}

#[test]
fn before_and_after_is_a_table() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let printed = output("before_after", server, &["50"]);
            assert_eq!(printed.lines().count(), 5, "{printed}");
            assert!(printed.lines().all(|line| line.matches('|').count() == 7), "{printed}");
            Ok(())
        },
    )
}

/// Ends the service when the test does, however that ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_web_service_has_three_layers() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut service = Service(start("web", server, &["127.0.0.1:0"]));
            let mut line = String::new();
            BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut line)?;
            let place = line.trim().rsplit('/').next().unwrap().to_owned();
            let read = |text: &str| {
                let (status, body) = request(&place, "GET", "/articles/7", "");
                assert_eq!((status.as_str(), body.as_str()), ("200", text));
            };
            read("article 7\n");
            let kept = server.client()?.line("GET article:7")?;
            assert_eq!(kept, b"$10\r\narticle 7\n\r\n", "the server has not got it");
            read("article 7\n");
            assert_eq!(request(&place, "PUT", "/articles/7", "new").0, "204");
            read("new");
            assert_eq!(request(&place, "GET", "/articles/5000", "").0, "404");
            let (_, figures) = request(&place, "GET", "/metrics", "");
            assert!(figures.contains("keyspan_l1_hits_total 1\n"), "{figures}");
            Ok(())
        },
    )
}
