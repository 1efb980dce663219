//! Times as EVE writes them.

use serde::{Serialize, Serializer};

const NS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
const TEXT_BYTES: usize = 31;

/// A time in UTC, with its text `2024-01-01T00:00:00.000000+0000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp([u8; TEXT_BYTES]);

impl Timestamp {
    /// From ns since the epoch; the year stays below 10000 for every `u64`.
    pub fn from_ns(time_ns: u64) -> Timestamp {
        let seconds = time_ns / NS_PER_SECOND;
        let micros = (time_ns % NS_PER_SECOND) / 1000;
        let (year, month, day) = civil(seconds / SECONDS_PER_DAY);
        let of_day = seconds % SECONDS_PER_DAY;
        let mut text = *b"0000-00-00T00:00:00.000000+0000";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], of_day / 3600);
        put(&mut text[14..16], of_day / 60 % 60);
        put(&mut text[17..19], of_day % 60);
        put(&mut text[20..26], micros);
        Timestamp(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and punctuation")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Writes a number in decimal, right-aligned in `digits`.
fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    // Counted from 0000-03-01, so that the leap day ends a year, a century and an era of 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March to July and August to December both have 153 days.
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_known_times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000+0000"),
            (951_782_399, "2000-02-28T23:59:59.000000+0000"),
            (951_782_400, "2000-02-29T00:00:00.000000+0000"),
            (1_704_067_200, "2024-01-01T00:00:00.000000+0000"),
            (1_735_689_599, "2024-12-31T23:59:59.000000+0000"),
            (4_107_542_400, "2100-03-01T00:00:00.000000+0000"),
        ] {
            assert_eq!(Timestamp::from_ns(seconds * NS_PER_SECOND).as_str(), text);
        }
        let text = "2024-01-01T00:00:00.123456+0000";
        assert_eq!(Timestamp::from_ns(1_704_067_200_123_456_789).as_str(), text);
        assert_eq!(Timestamp::from_ns(u64::MAX).as_str(), "2554-07-21T23:34:33.709551+0000");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut yesterday = civil(0);
        for day in 1..200_000 {
            let today = civil(day);
            assert!(today > yesterday, "{today:?}");
            assert!((1..=12).contains(&today.1) && (1..=31).contains(&today.2), "{today:?}");
            yesterday = today;
        }
    }
}
