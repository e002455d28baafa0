//! Command lines that ask everything of one value.

use std::sync::LazyLock;

use keyspan_bloom::commands;
use keyspan_common::command::Row;

/// The table of the commands.
pub(super) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = commands::rows();
    for row in &rows {
        let name = row.name.to_ascii_uppercase();
        assert!(
            LINES.iter().any(|line| line.split(' ').next() == Some(&name)),
            "nothing asks {name}"
        );
    }
    rows
});

/// Reads first, then writes; `k` is the value, `n` no key.
const LINES: [&str; 82] = [
    "BF.EXISTS k a",
    "BF.MEXISTS k a b c",
    "BF.CARD k",
    "BF.INFO k",
    "BF.INFO k CAPACITY",
    "BF.INFO k SIZE",
    "BF.INFO k FILTERS",
    "BF.INFO k ITEMS",
    "BF.INFO k EXPANSION",
    "BF.INFO k ERROR",
    "BF.INFO k TIGHTENING",
    "BF.INFO k MAXSCALEDCAPACITY",
    "BF.DEBUG k",
    "BF.SCANDUMP k 0",
    "BF.SCANDUMP k 1",
    "BF.SCANDUMP k 9",
    "BF.SCANDUMP k 9223372036854775807",
    "BF.SCANDUMP k -1",
    "BF.ADD k a",
    "BF.MADD k a b c d e f g",
    "BF.INSERT k ITEMS h i",
    "BF.INSERT k NOCREATE ITEMS j",
    "BF.RESERVE k 0.01 10",
    "BF.LOADCHUNK k 1 x",
    "BF.LOADCHUNK k 2 x",
    "BF.LOADCHUNK k 9223372036854775807 x",
    "BF.LOAD k x",
    "BF.CARD k",
    "CF.EXISTS k a",
    "CF.MEXISTS k a b",
    "CF.COUNT k a",
    "CF.INFO k",
    "CF.DEBUG k",
    "CF.SCANDUMP k 0",
    "CF.SCANDUMP k 1",
    "CF.SCANDUMP k 9",
    "CF.SCANDUMP k 9223372036854775807",
    "CF.DEL k a",
    "CF.ADD k a",
    "CF.ADD k a",
    "CF.ADDNX k b",
    "CF.INSERT k ITEMS c d e f g h",
    "CF.INSERTNX k NOCREATE ITEMS c i",
    "CF.DEL k c",
    "CF.DEL k d",
    "CF.COMPACT k",
    "CF.RESERVE k 10",
    "CF.LOADCHUNK k 1 x",
    "CF.LOADCHUNK k 2 x",
    "CF.LOADCHUNK k 9223372036854775807 x",
    "CMS.QUERY k a b",
    "CMS.INFO k",
    "CMS.INCRBY k a 1 b 4294967295 a 9223372036854775807",
    "CMS.MERGE k 2 k k WEIGHTS 1 2",
    "CMS.MERGE k 1 k WEIGHTS -1",
    "CMS.INITBYDIM k 1 1",
    "CMS.INITBYPROB k 0.1 0.1",
    "TOPK.QUERY k a b",
    "TOPK.COUNT k a b",
    "TOPK.LIST k",
    "TOPK.LIST k WITHCOUNT",
    "TOPK.INFO k",
    "TOPK.ADD k a b c a a",
    "TOPK.INCRBY k a 100000 d 7",
    "TOPK.RESERVE k 1",
    "TOPK.LIST k WITHCOUNT",
    "TDIGEST.MIN k",
    "TDIGEST.MAX k",
    "TDIGEST.QUANTILE k 0 0.5 0.1 1",
    "TDIGEST.CDF k 1 0 -1e300",
    "TDIGEST.RANK k 0 5",
    "TDIGEST.REVRANK k 0 5",
    "TDIGEST.BYRANK k 0 1 9223372036854775807",
    "TDIGEST.BYREVRANK k 0 1 9223372036854775807",
    "TDIGEST.TRIMMED_MEAN k 0.1 0.9",
    "TDIGEST.INFO k",
    "TDIGEST.ADD k 1 -2 1e300 0",
    "TDIGEST.MERGE k 1 k",
    "TDIGEST.MERGE n 2 k k OVERRIDE",
    "TDIGEST.QUANTILE k 0 0.5 1",
    "TDIGEST.CREATE k",
    "TDIGEST.RESET k",
];

/// The lines for one category of commands.
pub(super) fn lines(category: &str) -> impl Iterator<Item = Vec<&'static [u8]>> {
    let prefix = match category {
        "bloom" => "BF.",
        "cuckoo" => "CF.",
        "cms" => "CMS.",
        "topk" => "TOPK.",
        _ => "TDIGEST.",
    };
    let lines = LINES.iter().filter(move |line| line.starts_with(prefix));
    lines.map(|line| line.split(' ').map(str::as_bytes).collect())
}
