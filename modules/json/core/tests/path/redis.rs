//! Paths as RedisJSON 8.8.0 answered them, and what the dialect adds to it.

use keyspan_json_core::path::{Dialect, Path};
use serde_json::{Value, from_str};

use super::oracle::{Json, selected};

const NESTED: &str = r#"{"a":1,"b":"str","c":[1,20,30],"n":null,"t":true,"o":{"x":99,"y":"z"},
    "f":1.5,"new":7,"newl":7,"nest":{"a":{"a":5}}}"#;
const LIST: &str = r#"[{"p":10,"n":"abc"},{"p":20,"n":"abd"},{"p":30}]"#;
const NAMES: &str = r#"{"a b":1,"c.d":2,"e\"f":3,"":4,"a+1":5,"x$y":6,"a\\b":7}"#;

fn check(document: &str, path: &str, expected: &str) {
    let document: Value = from_str(document).unwrap();
    let path = Path::parse(path.as_bytes(), Dialect::Redis)
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(selected(&path, &document), from_str::<Value>(expected).unwrap(), "{path:?}");
}

#[test]
fn recorded_paths_select_what_they_did() {
    for (document, path, expected) in [
        (NESTED, "$..x", "[99]"),
        (NESTED, "..x", "[99]"),
        (NESTED, "$.c[0:2]", "[1,20]"),
        (NESTED, "$.c[*]", "[1,20,30]"),
        (NESTED, "$.c[?(@>15)]", "[20,30]"),
        (NESTED, "$..[?(@.x>1)]", r#"[{"x":99,"y":"z"}]"#),
        (NESTED, r#"$[?(@=="str")]"#, r#"["str"]"#),
        (NESTED, r#"$.o["x","y"]"#, r#"[99,"z"]"#),
        (NESTED, r#"$["a"]"#, "[1]"),
        (NESTED, r#"["a"]"#, "[1]"),
        (NESTED, "a", "[1]"),
        (NESTED, ".o.x", "[99]"),
        (NESTED, "$.c[-1]", "[30]"),
        (NESTED, "$.c[-10]", "[1]"),
        (NESTED, "$.c[3]", "[]"),
        (NESTED, "$.c[::2]", "[1,30]"),
        (NESTED, r#"$.c[?(@.a=~"x")]"#, "[]"),
        (NESTED, "$.a+1", "[]"),
        (NESTED, "$.a..b", "[]"),
        (NESTED, "$ ", "[]"),
        (NESTED, "$$", "[]"),
        (NESTED, "$..a", r#"[1,{"a":5},5]"#),
        (NAMES, r#"$["a b"]"#, "[1]"),
        (NAMES, r#"["c.d"]"#, "[2]"),
        (NAMES, "$['c.d']", "[2]"),
        (NAMES, r#"$["e\"f"]"#, "[3]"),
        (NAMES, r#"$['e"f']"#, "[3]"),
        (NAMES, r#"$[""]"#, "[4]"),
        (LIST, r#"$[?(@.p>10 && @.n=="abd")].p"#, "[20]"),
        (LIST, r#"$[?(@.n=~"ab.*")].p"#, "[10,20]"),
        (LIST, "$[?(@.n)].p", "[10,20]"),
        (LIST, "$[?(@.p==10)]", r#"[{"p":10,"n":"abc"}]"#),
        (LIST, "$[?@.p==10]", r#"[{"p":10,"n":"abc"}]"#),
        (LIST, "$[0,2].p", "[10,30]"),
        (LIST, "$[-1].p", "[30]"),
        (LIST, "$[0:2].p", "[10,20]"),
        (LIST, "$[1:].p", "[20,30]"),
        (LIST, "$[:-1].p", "[10,20]"),
        (LIST, "$.[0].p", "[10]"),
        (LIST, "[0].p", "[10]"),
        (LIST, ".[0].p", "[10]"),
        (LIST, "$..p", "[10,20,30]"),
        (LIST, "$..*", r#"[{"p":10,"n":"abc"},{"p":20,"n":"abd"},{"p":30},10,"abc",20,"abd",30]"#),
        (LIST, "$[*].p[*]", "[]"),
        ("[[[[[[[[1]]]]]]]]", "$[0][0][0]", "[[[[[[1]]]]]]"),
    ] {
        check(document, path, expected);
    }
}

#[test]
fn spaces_between_tokens_are_skipped() {
    for path in ["$ . o", "$[ 'o' ]", "$['a', 'o']", "$.o .x"] {
        let parsed = Path::parse(path.as_bytes(), Dialect::Redis);
        assert!(parsed.is_ok(), "{path}");
    }
    check(LIST, r#"$[ ?( @.p > 10  &&  ( @.n == 'abd' ) ) ] .p "#, "[20]");
    check(LIST, "$[ 0 , 2 ].p", "[10,30]");
    check(LIST, "$[ 0 : 3 : 2 ].p", "[10,30]");
}

#[test]
fn comparisons_need_both_sides() {
    check(LIST, "$[?(@.n!='abc')].p", "[20]");
    check(LIST, "$[?(@.n==@.m)].p", "[]");
    check(LIST, "$[?(@.p==10 || @.p==30)].p", "[10,30]");
    check(LIST, "$[?(@.p>=20 && @.p<=20.0)].p", "[20]");
    check(LIST, "$[?(@.p=='10')].p", "[]");
    check(LIST, "$[?(@.p!='10')].p", "[10,20,30]");
    check(LIST, "$[?(@.p>$[0].p)].p", "[20,30]");
    check(r#"[true,false,null,1,"a"]"#, "$[?(@==true)]", "[true]");
    check(r#"[true,false,null,1,"a"]"#, "$[?(@==null)]", "[null]");
    check(r#"[true,false,null,1,"a"]"#, "$[?(@!=null)]", r#"[true,false,1,"a"]"#);
    check("[1,2]", "$[?(true)]", "[1,2]");
}

#[test]
fn conjunction_binds_tighter() {
    check("[1,2,3]", "$[?(@==1 || @==2 && @==3)]", "[1]");
    check("[1,2,3]", "$[?(@==2 && @==3 || @==1)]", "[1]");
    check("[1,2,3]", "$[?((@==1 || @==2) && @>1)]", "[2]");
}

#[test]
fn regular_expressions_search() {
    let document = r#"["foo","fob","a.b","axb","a1","FOO"]"#;
    check(document, "$[?(@=~'fo.*')]", r#"["foo","fob"]"#);
    check(document, r#"$[?(@=~"(?i)^F")]"#, r#"["foo","fob","FOO"]"#);
    check(document, r#"$[?(@=~"a\.b")]"#, r#"["a.b"]"#);
    check(document, r#"$[?(@=~"a\\.b")]"#, r#"["a.b"]"#);
    check(document, r#"$[?(@=~"\d")]"#, r#"["a1"]"#);
    check(document, r#"$[?(@=~"(")]"#, "[]");
    check(r#"{"re":"^a","v":["ab","ba"]}"#, "$.v[?(@=~$.re)]", r#"["ab"]"#);
}

#[test]
fn standard_functions_are_added() {
    check(LIST, "$[?(!@.n)].p", "[30]");
    check(LIST, "$[?(@.p>=10 || !@.n)].p", "[10,20,30]");
    check(LIST, "$[?(length(@.n)==3)].p", "[10,20]");
    check(LIST, "$[?(count(@.*)==1)].p", "[30]");
    check(LIST, "$[?match(@.n,'ab')].p", "[]");
    check(LIST, "$[?match(@.n,'ab[cd]')].p", "[10,20]");
    check(LIST, r"$[?search(@.n,'\w')].p", "[10,20]");
    check(LIST, "$[?(value(@..n)=='abd')].p", "[20]");
    check(LIST, "$[?(!(@.p==10 || @.p==20))].p", "[30]");
    check(
        r#"[{"a":[1,{"x":2}],"b":[1.0,{"x":2}]},{"a":[1],"b":[2]}]"#,
        "$[?(@.a==@.b)].a[0]",
        "[1]",
    );
    check("[[1],[1,2],[1,3],{},{\"a\":1}]", "$[?(@==$[1])]", "[[1,2]]");
    check("[[1],[1,2],[1,3],{},{\"a\":1}]", "$[?(@==$[0])]", "[[1]]");
    check("[[1],[1,2],[1,3],{},{\"a\":1}]", "$[?(@==$[3])]", "[{}]");
    check(NESTED, "$['a',\"b\"]", r#"[1,"str"]"#);
    check(LIST, "$[0,'p',1:2,?@.p==30].p", "[10,20,30]");
}

#[test]
fn steps_and_parents_lead_to_the_value() {
    let document: Value = from_str(NESTED).unwrap();
    let path = Path::parse(b"$.c[-1]", Dialect::Redis).unwrap();
    let mut steps = keyspan_json_core::path::Steps::new();
    assert_eq!(path.resolve_steps(Json(&document), &mut steps).unwrap().0, &document["c"][2]);
    assert_eq!(steps[..], [2, 2]);
    assert_eq!(path.resolve(Json(&document)).unwrap().0, &document["c"][2]);
    let (parent, last) = path.parent().unwrap();
    assert_eq!(last, keyspan_json_core::path::Last::Index(-1));
    assert_eq!(parent.resolve(Json(&document)).unwrap().0, &document["c"]);
    let missing = Path::parse(b"$.c.x", Dialect::Redis).unwrap();
    assert!(missing.resolve_steps(Json(&document), &mut steps).is_none());
    assert_eq!(steps[..], [2, 2]);
}
