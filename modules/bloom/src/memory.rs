//! How much memory the machine has.

/// Where Linux says it.
const FIGURES: &str = "/proc/meminfo";

/// Bytes of memory and swap; `None` where the system does not say it.
pub fn of_machine() -> Option<u64> {
    sum(&std::fs::read_to_string(FIGURES).ok()?)
}

/// Memory and swap in the lines of [`FIGURES`], in bytes.
fn sum(figures: &str) -> Option<u64> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = figures.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_suffix("kB")?.trim().parse().ok()
    };
    let swap = kilobytes("SwapTotal:").unwrap_or(0);
    kilobytes("MemTotal:")?.checked_add(swap)?.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn memory_and_swap_are_added() {
        for (figures, bytes) in [
            ("MemTotal:       16 kB\nMemFree: 5 kB\nSwapTotal:  4 kB\n", Some(20 << 10)),
            ("SwapTotal: 4 kB\nMemTotal: 16 kB", Some(20 << 10)),
            ("MemTotal: 16 kB\n", Some(16 << 10)),
            ("MemTotal: 16\n", None),
            ("SwapTotal: 4 kB\n", None),
            ("MemTotal: 18446744073709551615 kB\n", None),
            ("", None),
        ] {
            assert_eq!(sum(figures), bytes, "{figures}");
        }
    }
}
