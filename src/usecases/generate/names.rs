//! Common Danish names, and what companies, streets and departments are called.

pub const FIRST: [&str; 96] = [
    "Anders",
    "Andreas",
    "Anna",
    "Anne",
    "Anton",
    "Arne",
    "Asger",
    "Astrid",
    "August",
    "Bente",
    "Birgit",
    "Birthe",
    "Bjarne",
    "Bjørn",
    "Bo",
    "Brian",
    "Camilla",
    "Carl",
    "Carsten",
    "Cecilie",
    "Charlotte",
    "Christian",
    "Clara",
    "Claus",
    "Dorte",
    "Elias",
    "Ellen",
    "Else",
    "Emil",
    "Emma",
    "Erik",
    "Esther",
    "Finn",
    "Flemming",
    "Freja",
    "Frederik",
    "Gitte",
    "Grethe",
    "Gustav",
    "Hanne",
    "Hans",
    "Helle",
    "Henrik",
    "Ida",
    "Inge",
    "Ingrid",
    "Jacob",
    "Jan",
    "Jens",
    "Jesper",
    "Johanne",
    "Jonas",
    "Jørgen",
    "Karen",
    "Karin",
    "Kasper",
    "Kim",
    "Kirsten",
    "Kåre",
    "Lars",
    "Laura",
    "Lene",
    "Lis",
    "Lone",
    "Louise",
    "Lærke",
    "Mads",
    "Maja",
    "Maria",
    "Marie",
    "Martin",
    "Mathilde",
    "Mette",
    "Michael",
    "Mikkel",
    "Morten",
    "Niels",
    "Ole",
    "Oliver",
    "Oscar",
    "Peter",
    "Pia",
    "Poul",
    "Rasmus",
    "René",
    "Sanne",
    "Signe",
    "Sofie",
    "Søren",
    "Thomas",
    "Tina",
    "Tove",
    "Ulla",
    "Victor",
    "William",
    "Åse",
];

pub const LAST: [&str; 64] = [
    "Andersen",
    "Andreasen",
    "Bach",
    "Bang",
    "Beck",
    "Berg",
    "Bertelsen",
    "Bech",
    "Brandt",
    "Carlsen",
    "Christensen",
    "Christiansen",
    "Clausen",
    "Dahl",
    "Dam",
    "Eriksen",
    "Frandsen",
    "Frederiksen",
    "Friis",
    "Gregersen",
    "Hansen",
    "Henriksen",
    "Holm",
    "Iversen",
    "Jacobsen",
    "Jensen",
    "Jeppesen",
    "Jespersen",
    "Johansen",
    "Jørgensen",
    "Karlsen",
    "Kjær",
    "Kjeldsen",
    "Knudsen",
    "Kristensen",
    "Larsen",
    "Lassen",
    "Laursen",
    "Lauridsen",
    "Lind",
    "Lund",
    "Madsen",
    "Mikkelsen",
    "Mortensen",
    "Møller",
    "Nielsen",
    "Nissen",
    "Nygaard",
    "Olesen",
    "Olsen",
    "Paulsen",
    "Pedersen",
    "Petersen",
    "Poulsen",
    "Rasmussen",
    "Schmidt",
    "Simonsen",
    "Skov",
    "Sørensen",
    "Thomsen",
    "Thygesen",
    "Vestergaard",
    "Winther",
    "Østergaard",
];

/// What companies do.
pub const TRADES: [&str; 24] = [
    "Advokater",
    "Arkitekter",
    "Auto",
    "Bageri",
    "Blomster",
    "Bogtryk",
    "Byg",
    "Cykler",
    "El",
    "Entreprise",
    "Fysioterapi",
    "Malere",
    "Maskiner",
    "Murere",
    "Møbler",
    "Optik",
    "Rejser",
    "Rengøring",
    "Revision",
    "Smede",
    "Tandlæger",
    "Transport",
    "Tømrere",
    "VVS",
];

pub const FORMS: [&str; 3] = ["ApS", "A/S", "I/S"];

pub const STREETS: [&str; 20] = [
    "Algade",
    "Bredgade",
    "Engvej",
    "Fabriksvej",
    "Havnegade",
    "Hovedgaden",
    "Industrivej",
    "Jernbanegade",
    "Kirkevej",
    "Lundevej",
    "Møllevej",
    "Nygade",
    "Parkvej",
    "Skolegade",
    "Skovvej",
    "Stationsvej",
    "Søndergade",
    "Torvet",
    "Vestergade",
    "Østergade",
];

/// Departments, each with its titles, the first of which is who leads it.
pub const DEPARTMENTS: [(&str, [&str; 4]); 8] = [
    ("Administration", ["Administrationschef", "Kontorassistent", "Sekretær", "Receptionist"]),
    ("Salg", ["Salgschef", "Sælger", "Salgskonsulent", "Salgsassistent"]),
    ("Kundeservice", ["Kundechef", "Kundekonsulent", "Supporter", "Kunderådgiver"]),
    ("Økonomi", ["Økonomichef", "Bogholder", "Controller", "Lønkonsulent"]),
    ("Lager", ["Lagerchef", "Lagermedarbejder", "Chauffør", "Disponent"]),
    ("Teknik", ["Teknisk chef", "Tekniker", "Montør", "Servicekonsulent"]),
    ("IT", ["IT-chef", "Systemadministrator", "Udvikler", "IT-supporter"]),
    ("Indkøb", ["Indkøbschef", "Indkøber", "Disponent", "Indkøbsassistent"]),
];

pub const QUEUES: [&str; 8] =
    ["Omstilling", "Kundeservice", "Salg", "Support", "Bogholderi", "Ordre", "Lager", "Teknik"];

/// In lower-case ASCII, as in an e-mail address; what is no letter or digit becomes `-`.
pub fn in_ascii(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'æ' => text.push_str("ae"),
            'ø' => text.push_str("oe"),
            'å' => text.push_str("aa"),
            'é' => text.push('e'),
            c if c.is_ascii_alphanumeric() => text.push(c),
            _ if text.is_empty() || text.ends_with('-') => {}
            _ => text.push('-'),
        }
    }
    text.truncate(text.trim_end_matches('-').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_stands_twice() {
        assert_eq!(FIRST.iter().collect::<HashSet<_>>().len(), FIRST.len());
        assert_eq!(LAST.iter().collect::<HashSet<_>>().len(), LAST.len());
        // In an e-mail address too.
        assert_eq!(FIRST.map(in_ascii).iter().collect::<HashSet<_>>().len(), FIRST.len());
        assert_eq!(LAST.map(in_ascii).iter().collect::<HashSet<_>>().len(), LAST.len());
    }

    #[test]
    fn letters_become_ascii_as_danes_write_them() {
        assert_eq!(in_ascii("Åse"), "aase");
        assert_eq!(in_ascii("Møller & Østergaard A/S"), "moeller-oestergaard-a-s");
        assert_eq!(in_ascii("René Lærke (ny)"), "rene-laerke-ny");
    }
}
