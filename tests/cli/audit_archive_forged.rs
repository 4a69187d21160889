//! Archives of the audit trail that were changed, forged, or that a changed database no longer vouches for.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::audit_archive::{LATER, archive, lines, place_with_runs};
use crate::support::place::is_refused;

#[test]
fn a_file_that_differs_in_one_byte_is_refused_wherever_that_is() {
    let place = place_with_runs();
    let whole = std::fs::read(archive(&place, "first.jsonl.zst")).unwrap();
    let changed = place.path("changed.jsonl.zst");
    let end = whole.len() - 1;
    for at in (0..end).step_by(whole.len() / 60).chain(end - 45..=end) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        let sentence = is_refused(place.command(&["audit", "verify"]).arg(&changed));
        assert!(sentence.contains("its checksum does not fit"), "{at}: {sentence}");
    }
    for length in [0, 1, 39, 40, 41, whole.len() / 2, end] {
        std::fs::write(&changed, &whole[..length]).unwrap();
        assert!(is_refused(place.command(&["audit", "verify"]).arg(&changed)).contains("is no archive"), "{length}");
    }
    let sentence = is_refused(place.command(&["audit", "verify"]).arg(place.path("absent")));
    assert!(sentence.contains("cannot be read"), "{sentence}");
}

#[test]
fn what_is_changed_by_hand_behind_an_archive_is_noticed() {
    let place = place_with_runs();
    archive(&place, "first.jsonl.zst");
    let verdict_after = |sql: &str| {
        let copy = place.path("tampered.db");
        let _ = std::fs::remove_file(&copy);
        place.sqlite().execute("vacuum into ?1", [copy.to_str().unwrap()]).unwrap();
        let conn = rusqlite::Connection::open(&copy).unwrap();
        let of_all = |column: &str| -> String {
            let sql = format!("select group_concat({column}, ';') from sqlite_schema where type = 'trigger'");
            conn.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let (drop, make) = (of_all("'drop trigger ' || name"), of_all("sql"));
        conn.execute_batch(&drop).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
        conn.execute_batch(&make).unwrap();
        is_refused(place.command(&["audit", "verify", "--db"]).arg(copy))
    };
    for sql in [
        "update audit_segments set digest = randomblob(32)",
        "update audit_segments set hash = randomblob(32)",
        "update audit_segments set last = last - 1",
        "update audit_segments set until = until + 1",
        "delete from audit_segments",
        "update audit_start set seq = seq - 1",
        "update audit_start set (seq, hash) = (select seq, hash from audit where seq = 2050)",
        "update audit_start set hash = randomblob(32)",
        "update audit_segments set left = randomblob(32)",
        "insert into audit_segments select 1024, hash, until, file, digest, left from audit_segments",
        "update audit_left set digest = randomblob(32) where object = (select max(object) from audit_left)",
        "delete from audit_left where object = (select max(object) from audit_left)",
        "delete from audit where seq = 2049",
        "insert into audit select 7, at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object, customer,
            description, hash, content_before, content_after, digest_before, digest_after, before from audit where seq = 2050",
    ] {
        assert!(verdict_after(sql).contains("the audit trail is broken at entry"), "{sql}");
    }
    // An object whose entries are all archived is still compared with what they left of it.
    let sentence = verdict_after(
        "update employees set name = 'Somebody else' where id = (select object from audit_left where place = 'employees' limit 1)",
    );
    assert!(sentence.contains("differs from audit entry"), "{sentence}");
    for (sql, why) in [
        ("delete from audit_start", "where the audit trail begins was removed by hand"),
        ("update audit_left set place = 'queues' where place = 'employees'", "entries left was changed by hand"),
    ] {
        assert!(verdict_after(sql).contains(why), "{sql}");
    }
    // Only what is in a file may be removed.
    let error = place.sqlite().execute("delete from audit where seq = 2049", []).unwrap_err().to_string();
    assert!(error.contains("append-only"), "{error}");
}

/// An archive of the same form with other lines, sealed anew by somebody who knows the form.
fn forged(lines: &[Value]) -> Vec<u8> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut bytes = zstd::encode_all(text.as_bytes(), 9).unwrap();
    let seal = telecomx_local::domain::audit::digest(&bytes);
    bytes.extend([0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0]);
    bytes.extend(seal);
    bytes
}

#[test]
fn a_file_that_somebody_wrote_anew_is_not_taken_for_the_archive() {
    let place = place_with_runs();
    let untouched = place.path("untouched.db");
    place.sqlite().execute("vacuum into ?1", [untouched.to_str().unwrap()]).unwrap();
    std::fs::set_permissions(&untouched, std::fs::Permissions::from_mode(0o600)).unwrap();
    let whole = lines(&archive(&place, "first.jsonl.zst"));
    let mut without_content = whole.clone();
    without_content.retain(|line| line.get("content").is_none());
    let mut later = whole.clone();
    later[0]["until"] = "1999-01-01T00:00:00.000Z".into();
    let mut empty = whole[..1].to_vec();
    empty[0]["first"] = 2049.into();
    let mut below = whole[..1].to_vec();
    below[0]["first"] = i64::MIN.into();
    let mut more = whole.clone();
    more.insert(1, serde_json::json!({ "content": "[1]" }));
    let mut other_form = whole.clone();
    other_form[0]["telecomxLocalAudit"] = 99.into();
    for (lines, why) in [
        (&later, "is not the one that it names"),
        (&empty, "it holds no entries"),
        (&below, "it holds no entries"),
        (&more, "content that belongs to no entry"),
        (&other_form, "written by a newer program"),
    ] {
        let file = place.put("forged.jsonl.zst", forged(lines));
        assert!(is_refused(place.command(&["audit", "verify"]).arg(file)).contains(why), "{why}");
    }
    // By itself it proves: the database knows better.
    let last = whole.len() - 1;
    let mut described = whole.clone();
    described[last]["before"] = Value::Null;
    for lines in [&without_content, &described] {
        let file = place.put("forged.jsonl.zst", forged(lines));
        is_refused(place.on_db(&["audit", "verify", "--and-database"]).arg(&file));
        let mut archive = place.command(&["audit", "archive", "--before", LATER, "--db"]);
        assert!(is_refused(archive.arg(&untouched).arg(&file)).contains("is not the archive of entries"));
    }
}
