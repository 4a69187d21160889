//! The cities of Danish postal codes: the platform sets an address's city from its zip (api:customer:address-create).

/// See the file's head for its form.
const CITIES: &str = include_str!("danish_cities.txt");

/// The city of a Danish postal code of four digits; `None` where the table has none.
pub fn city_of(zip: &str) -> Option<&'static str> {
    // Read at each call: an address is written seldom, and the table is short.
    CITIES.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (codes, city) = line.split_once(' ')?;
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        (first..=last).contains(&zip).then_some(city)
    })
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
        for line in CITIES.lines().filter(|line| !line.starts_with('#')) {
            let (codes, city) = line.split_once(' ').unwrap();
            let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
            assert!(first.len() == 4 && last.len() == 4 && end < first && first <= last && city.len() >= 2, "{line}");
            end = last;
        }
    }
}
