//! Durations and sizes as texts with a unit: one table of units for reading and writing.
//!
//! Settings files and the options of `belfryctl` share this grammar: digits and one unit, without a
//! space. Deliberately absent: which durations and sizes a setting accepts. Invariant: what is
//! written here reads back as the same value.

use std::time::Duration;

/// Units of a duration, in milliseconds, largest first; the last one is 1.
const DURATION_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Units of a size, in bytes, largest first; the last one is 1.
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a duration such as `500ms`, `10s`, `10m`, `1h` or `2d`; `None` if it is something else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Writes a duration in the largest unit that leaves no remainder; zero is `0s`. Less than a
/// millisecond is cut off.
pub fn format_duration(duration: Duration) -> String {
    match u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) {
        0 => "0s".to_owned(),
        millis => format(millis, &DURATION_UNITS),
    }
}

/// Reads a size in bytes such as `1000B`, `64KiB` or `4MiB`; `None` if it is something else.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    parse(text, &SIZE_UNITS)
}

/// Writes a size in bytes in the largest unit that leaves no remainder.
pub(super) fn format_size(bytes: u64) -> String {
    format(bytes, &SIZE_UNITS)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn format(amount: u64, units: &[(&str, u64)]) -> String {
    let (unit, size) = units.iter().find(|(_, size)| amount.is_multiple_of(*size)).copied().unwrap_or_default();
    format!("{}{unit}", amount / size.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_unit_without_remainder_is_written() {
        for (millis, text) in [(0, "0s"), (1, "1ms"), (1_500, "1500ms"), (90_000, "90s"), (172_800_000, "2d")] {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(format_size(4 << 20), "4MiB");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(amount: u64) {
            let duration = Duration::from_millis(amount);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
            prop_assert_eq!(parse_size(&format_size(amount)), Some(amount));
        }
    }
}
