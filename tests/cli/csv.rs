//! Employees and queues as CSV: what is exported imports again, faults name row and column, and a dry run says what would change.

use serde_json::json;

use crate::support::place::output_with_stdin;
use crate::support::{Place, world};

/// Exit code and standard error of an import of these bytes under this name.
fn imported(place: &Place, name: &str, content: impl AsRef<[u8]>) -> (Option<i32>, String) {
    place.put(name, content);
    let output = place.on_db(&["import", name]).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A small world with everything that an employee can hold, texts that need quotes among them.
fn full_world() -> serde_json::Value {
    let mut world = world::small();
    world["customers"][1]["features"] = json!(["CUSTOMER", "PBX", "ORGANIZATION"]);
    let anna = &mut world["employees"][1];
    anna["name"] = json!("Anna \"Bageren\" Ærø, ☎; =1+1");
    anna["title"] = json!("");
    anna["department"] = json!(" Salg ");
    anna["language"] = json!("da");
    anna["address"] = json!("d00000000000000000000002");
    anna["ipRestriction"] = json!("192.0.2.10, 2001:db8::10");
    anna["organizationResellers"] = json!([world::RESELLER, world::CUSTOMER]);
    anna["smsNumber"] = json!("+4500000402");
    anna["primaryContact"] = json!(true);
    anna["birthdate"] = json!("1984-02-29");
    anna["deleteDate"] = json!("2031-01-31T12:00:00.000Z");
    world["employees"][2]["state"] = json!("DELETED");
    world["mobileConfigs"].as_array_mut().unwrap().pop();
    world["mobileConfigs"][0]["configs"][1]["items"] = json!([]);
    world["mobileConfigs"][0]["configs"][0]["items"][0]["name"] = json!("Salg, \"A\"");
    world["queues"][0]["name"] = json!("Salg, \"A\"");
    world["queues"][1]["number"] = json!("802");
    world
}

#[test]
fn what_is_exported_imports_again_without_a_change() {
    let place = Place::holding(&full_world());
    let before = place.run(&["export"]);
    for (kind, count) in [("employees", 3), ("queues", 2)] {
        let text = place.run(&["export", "--csv", kind]);
        assert_eq!(text.lines().count(), count + 1, "{text}");
        place.put("list.csv", &text);
        let said = place.run(&["import", "--dry-run", "list.csv"]);
        assert!(said.contains(&format!("{kind}: 0 new, 0 changed, {count} unchanged")), "{said}");
        place.run(&["import", "list.csv"]);
        assert_eq!(place.run(&["export"]), before, "{kind}");
        assert_eq!(place.run(&["export", "--csv", kind]), text);
    }
    let revs: i64 = place.sqlite().query_row("select max(rev) from employees", [], |row| row.get(0)).unwrap();
    assert_eq!(revs, 1, "nothing was written");
}

#[test]
fn spreadsheets_write_it_in_several_ways() {
    let rows = [
        "_id,customer,accessLevel,name,primaryContact,title",
        &format!("{},{},VIEWER,\"Anna, Æ\",TRUE,", world::ANNA, world::CUSTOMER),
        &format!("e00000000000000000000009,{},PERSONAL,Ny,false,\"Chef \"\"den\"\"\"", world::CUSTOMER),
    ];
    let semicolons = rows.map(|row| row.replace("Anna,", "Anna\u{1}").replace(',', ";").replace('\u{1}', ","));
    let mut results = vec![];
    for rows in [&rows.map(str::to_owned), &semicolons] {
        for (begin, end) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n"), ("\u{feff}\n \n", "\n\n"), ("", "\n,;,\n")]
        {
            // A row of separators alone is blank to a spreadsheet.
            let end =
                if end == "\n,;,\n" { if rows[0].contains(';') { "\n;;;;;\n" } else { "\n,,,,,\n" } } else { end };
            for last in ["", end] {
                let place = Place::with_world();
                let (code, said) = imported(&place, "list.CSV", format!("{begin}{}{last}", rows.join(end)));
                assert_eq!(code, Some(0), "{begin:?} {end:?}: {said}");
                results.push(place.run(&["export"]));
            }
        }
    }
    assert!(results.iter().all(|result| *result == results[0]));
    assert!(results[0].contains("Anna, Æ") && results[0].contains(r#"Chef \"den\""#), "{}", results[0]);
}

#[test]
fn every_fault_names_its_row_and_column_and_nothing_is_imported() {
    let place = Place::with_world();
    let before = place.run(&["export"]);
    let customer = world::CUSTOMER;
    for (end, last) in [("\n", "\n"), ("\n", ""), ("\r\n", "\r\n"), ("\r\n", "")] {
        let rows = [
            "_id;customer;accessLevel;name;noEmail;emailAddress".to_owned(),
            format!("e00000000000000000000011;{customer};PERSONAL;Sound;;"),
            format!("e00000000000000000000012;{customer};NOBODY;;perhaps;one@example.com"),
            String::new(),
            String::new(),
            format!("e00000000000000000000013;{customer};PERSONAL;\"two{end}lines\";;"),
            ";;;;;".into(),
            "e00000000000000000000014;short".into(),
            format!("e00000000000000000000015;{customer};PERSONAL;A;;{}@EXAMPLE.com", world::BO),
            format!("e00000000000000000000015;{customer};PERSONAL;B;;"),
            String::new(),
            "e00000000000000000000016;c00000000000000000000009;PERSONAL;Ole;;nowhere".into(),
        ];
        let (code, said) = imported(&place, "list.csv", rows.join(end) + last);
        let lines: Vec<&str> = said.lines().collect();
        let expected = [
            "row 3, name: ",
            "row 3, accessLevel: accessLevel must be one of",
            "row 3, noEmail: noEmail must be true or false",
            "row 6, name: name must be text on one line",
            "row 8: the row has 2 cells, and the header 6",
            "row 10, _id: The id stands twice",
            "row 12, emailAddress: emailAddress must be an e-mail address",
        ];
        for expected in expected {
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected} after {end:?}, {last:?}: {said}");
        }
        assert!(said.contains("row 9, emailAddress: The e-mail address is used by another employee"), "{said}");
        assert!(code == Some(1) && lines.last().unwrap().contains("nothing was imported: "), "{said}");
        assert_eq!(place.run(&["export"]), before);
    }
}

#[test]
fn a_wrong_header_is_one_sentence_each() {
    let place = Place::with_world();
    let has = |content: &str, expected: &str| {
        let (code, said) = imported(&place, "list.csv", content);
        assert!(code == Some(1) && said.lines().count() == 2 && said.starts_with(expected), "{content:?}: {said}");
    };
    has("", "(header): the file is empty");
    has("\n\n", "(header): the file is empty");
    has("_id,customer,accessLevel\n", "(header): the column name is missing: a list of employees has the columns _id,");
    has("_id,name\nx,y\n", "(header): the column customer is missing: a list of queues has the columns _id,");
    has("_id,customer,name,colour\n", "(header): unknown column \"colour\"");
    has("_id,customer,name,name\n", "(header): the column name stands twice");
    place.put("list.csv", "_id,customer,name,colour\na00000000000000000000009,c00000000000000000000002,Ny,red\n");
    let said = place.run(&["import", "list.csv", "--ignore-unknown"]);
    assert!(said.starts_with("imported 0 customers, 1 queues, 0 employees"), "{said}");
}

#[test]
fn other_encodings_and_what_has_no_end_are_refused() {
    let place = Place::with_world();
    let header = format!("_id,customer,name\na00000000000000000000009,{},", world::CUSTOMER);
    let (code, said) = imported(&place, "list.csv", [header.as_bytes(), b"K\xf8\n"].concat());
    assert!(code == Some(1) && said.starts_with("row 2, name: the text is not in UTF-8"), "{said}");
    let in_utf16: Vec<u8> = "\u{feff}_id".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (code, said) = imported(&place, "list.csv", in_utf16);
    assert!(code == Some(1) && said.contains("the text is in UTF-16"), "{said}");
    let (code, said) = imported(&place, "list.csv", format!("{header}\"{}", "x\n".repeat(9 << 20)));
    assert!(code == Some(1) && said.contains("is there a quote that is never closed?"), "{said:.500}");
    let output = place.on_db(&["import", "--kind", "queues", "/dev/zero"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no first row ends within 64 KiB"), "{said:.500}");
}

#[test]
fn the_kind_can_be_given_for_standard_input() {
    let place = Place::with_world();
    let list = format!("name,customer,_id\nNy,{},a00000000000000000000009\n", world::CUSTOMER);
    let import = |arguments: &[&str]| output_with_stdin(&mut place.on_db(arguments), list.as_bytes());
    assert!(import(&["import", "-", "--kind", "queues"]).status.success());
    assert!(place.run(&["export", "--csv", "queues"]).contains("a00000000000000000000009"));
    let refused = import(&["import", "-", "--kind", "employees"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the column accessLevel is missing"));
    assert_eq!(import(&["import", "-", "--kind", "customers"]).status.code(), Some(2));
    for wrong in [&["export", "--csv", "customers"][..], &["export", "--csv", "queues", "--with-secrets"]] {
        assert_eq!(place.on_db(wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let place = Place::with_world();
    let server = place.serve();
    let before = place.run(&["export"]);
    let rows = [
        "_id,customer,accessLevel,name,emailAddress,password".to_owned(),
        format!("{},{},MANAGER,Mia,{}@example.com,", world::MANAGER, world::CUSTOMER, world::MANAGER),
        format!("{},{},VIEWER,Anna,{}@example.com,Passw0rd-1", world::ANNA, world::CUSTOMER, world::ANNA),
        format!("e00000000000000000000009,{},PERSONAL,Ny,,", world::CUSTOMER),
    ];
    place.put("list.csv", rows.join("\n"));
    let said = place.run(&["import", "--dry-run", "list.csv"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["row 3: changed: accessLevel, password", "row 4: new"], "{said}");
    assert!(lines.contains(&"employees: 1 new, 1 changed, 1 unchanged"), "{said}");
    let mut document = world::small();
    document["customers"][1]["name"] = json!("Another bakery");
    document["queues"][0]["name"] = json!("Sold");
    document["mobileConfigs"][1]["configs"] = json!([]);
    place.put("world.json", document.to_string());
    let said = place.run(&["import", "--dry-run", "world.json"]);
    for expected in [
        "customers: 0 new, 1 changed, 1 unchanged",
        "queues: 0 new, 1 changed, 1 unchanged",
        "employees: 0 new, 0 changed, 3 unchanged",
        "mobileConfigs: 0 new, 2 changed, 0 unchanged",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    document["queues"][0]["customer"] = json!(world::RESELLER);
    place.put("world.json", document.to_string());
    let output = place.on_db(&["import", "--dry-run", "world.json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.starts_with("queues[0].customer: "), "{said}");
    assert_eq!(place.run(&["export"]), before);
    assert!(server.stop().success());
}

#[test]
fn a_dry_run_makes_no_database() {
    let place = Place::new();
    place.put("world.json", world::small().to_string());
    let said = place.run(&["import", "--dry-run", "world.json"]);
    assert!(said.contains("employees: 3 new, 0 changed, 0 unchanged"), "{said}");
    let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["world.json"]);
}
