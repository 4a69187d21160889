//! The cities of Danish postal codes: the platform sets an address's city from its zip (api:customer:address-create).

use std::sync::LazyLock;

/// See the file's head for its form.
const CITIES: &str = include_str!("danish_cities.txt");

/// First code, last code and city, in the order of the codes.
static TABLE: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| {
    let entry = |line: &'static str| {
        let (codes, city) = line.split_once(' ')?;
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        Some((first, last, city))
    };
    CITIES.lines().filter(|line| !line.starts_with('#')).filter_map(entry).collect()
});

/// The city of a Danish postal code of four digits; `None` where the table has none.
pub fn city_of(zip: &str) -> Option<&'static str> {
    let (_, last, city) = TABLE[..TABLE.partition_point(|(first, ..)| *first <= zip)].last()?;
    (zip <= *last).then_some(*city)
}

/// The first postal code of each line of the table, with its city.
pub fn places() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(first, _, city)| (*first, *city))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_has_one_city_or_none() {
        assert_eq!(city_of("8000"), Some("Aarhus C"));
        assert_eq!(city_of("1066"), Some("København K"));
        assert_eq!(city_of("1799"), Some("København V"));
        assert_eq!(city_of("0800"), Some("Høje Taastrup"));
        for unknown in ["8001", "0000", "9999", "", "80", "80000", "#"] {
            assert_eq!(city_of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_its_ranges_do_not_meet() {
        let mut end = "";
        assert_eq!(TABLE.len(), CITIES.lines().filter(|line| !line.starts_with('#')).count());
        for (first, last, city) in TABLE.iter() {
            let is_sound = first.len() == 4 && last.len() == 4 && end < *first && first <= last && city.len() >= 2;
            assert!(is_sound, "{first} {last} {city}");
            end = last;
        }
    }
}
