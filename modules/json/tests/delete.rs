//! JSON.DEL with paths that match many places.

use keyspan_common::{keyspace::Keyspace, resp::Protocol};
use keyspan_json::commands;

fn run(keyspace: &mut Keyspace, words: &[&str]) -> String {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let reply = commands::dispatch(keyspace, &words, Protocol::Resp2).unwrap_or_default();
    reply.escape_ascii().to_string().replace("\\r\\n", " ").replace("\\\"", "\"")
}

fn check(text: &str, path: &str, deleted: usize, left: &str) {
    let mut keyspace = Keyspace::default();
    run(&mut keyspace, &["JSON.SET", "k", "$", text]);
    assert_eq!(run(&mut keyspace, &["JSON.DEL", "k", path]), format!(":{deleted} "), "{path}");
    let rest = run(&mut keyspace, &["JSON.GET", "k"]);
    assert_eq!(rest, format!("${} {left} ", left.len()), "{path}");
}

#[test]
fn places_of_all_depths_and_parents() {
    check("[1,2,1,3,1]", "$[?(@==1)]", 3, "[2,3]");
    check(
        "[1,[1,2,[1]],1,{\"a\":1,\"b\":[1,\"x\"]},1,4]",
        "$..[?(@==1)]",
        7,
        "[[2,[]],{\"b\":[\"x\"]},4]",
    );
    check("{\"a\":{\"a\":1},\"b\":{\"a\":2,\"c\":{\"a\":3}}}", "$..a", 3, "{\"b\":{\"c\":{}}}");
    check("[[1,2,3],[1,2,3],[4]]", "$[0,1][0,2]", 4, "[[2],[2],[4]]");
    check("[[1,2,3],[1,2,3],[4]]", "$[*]", 3, "[]");
    check("{\"a\":1,\"b\":2,\"c\":3}", "$['c','a']", 2, "{\"b\":2}");
    check("[1,2]", "$[7]", 0, "[1,2]");
}
