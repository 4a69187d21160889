//! What must hold after the proof.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::double::ACCOUNT;
use super::hand::{Made, What};
use super::proxy::{Applied, Proxy};
use crate::support::Place;

/// A database, also while a server runs on it.
pub fn read(place: &Place) -> Connection {
    Connection::open_with_flags(place.db(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// What this server lists for a person to look at.
pub struct Listed {
    /// Objects with an operation in conflict, or waiting behind one.
    pub objects: HashSet<String>,
    /// The changes of all that is listed, as text.
    changes: String,
    pub refused: usize,
}

impl Listed {
    pub fn of(place: &Place) -> Listed {
        let conn = read(place);
        let mut statement = conn.prepare("select state, target, customer, change from platform_operations").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
        let rows: Vec<(String, String, String, String)> = rows.collect::<Result<_, _>>().unwrap();
        let mut listed = Listed { objects: HashSet::new(), changes: String::new(), refused: 0 };
        for (state, target, _, change) in rows {
            if state == "refused" {
                listed.refused += 1;
            } else {
                listed.objects.insert(target.clone());
            }
            listed.changes += &format!("{target} {change}\n");
        }
        listed
    }
}

/// Both sides hold the same, but for what is in conflict.
pub fn check_equal(platform: &Place, local: &Place, listed: &Listed) {
    let side = |place: &Place| {
        let mut world: Value = serde_json::from_str(&place.run(&["export"])).unwrap();
        let mut rows = HashMap::new();
        for list in ["customers", "employees", "mobileConfigs"] {
            for mut object in world[list].take().as_array_mut().unwrap().drain(..) {
                let id = object["_id"].as_str().unwrap().to_owned();
                if object["state"] == "DELETED" || listed.objects.contains(&id) {
                    continue;
                }
                for section in object["configs"].as_array_mut().into_iter().flatten() {
                    for entries in ["items", "others"] {
                        let entries = section[entries].as_array_mut().unwrap();
                        entries.retain(|entry| !listed.objects.contains(entry["_id"].as_str().unwrap()));
                    }
                }
                rows.insert(format!("{list}/{id}"), object);
            }
        }
        rows
    };
    let (there, here) = (side(platform), side(local));
    let keys: HashSet<&String> = there.keys().chain(here.keys()).collect();
    let differing: Vec<_> = keys.into_iter().filter(|key| there.get(*key) != here.get(*key)).collect();
    let show = |key: &&String| format!("{key}\n  there {:?}\n  here  {:?}", there.get(*key), here.get(*key));
    let first: Vec<String> = differing.iter().take(3).map(show).collect();
    assert!(differing.is_empty(), "{} objects differ:\n{}", differing.len(), first.join("\n"));
}

/// Every change made here was made there once, or is listed.
pub fn check_once(platform: &Place, local: &Place, proxy: &Proxy, made: &[Made], listed: &Listed) {
    let applied = proxy.applied();
    let transitions = transitions(platform);
    check_seen(&transitions, &applied, local);
    let in_trail =
        |field: &str, value: &str| transitions.iter().filter(|it| it.field == field && it.got == value).count();
    let mut ids = HashMap::new();
    let conn = read(local);
    let mut statement = conn.prepare("select here, there from platform_ids").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    ids.extend(rows.map(Result::unwrap));
    let there = |id: &str| ids.get(id).cloned().unwrap_or_else(|| id.to_owned());
    for change in made {
        let Made { what, value, target, from } = change;
        let (target, from) = (there(target), there(from));
        let count = |path: &str, is_it: &dyn Fn(&Value) -> bool| {
            applied.iter().filter(|it| it.path == path && is_it(&it.body)).count()
        };
        let is_listed = listed.changes.contains(&format!("\"{value}\"")) || listed.changes.contains(value);
        let (times, audited) = match what {
            What::Field("website") => {
                (count(&format!("/customer/{target}"), &|body| body["website"] == value.as_str()), None)
            }
            What::Field(name) => (
                count(&format!("/employee/{target}"), &|body| body[*name] == value.as_str()),
                Some(in_trail(name, value)),
            ),
            What::Create => (count("/employee", &|body| body["name"] == value.as_str()), Some(in_trail("name", value))),
            What::Delete => {
                let is_delete = |it: &&Applied| it.method == "DELETE" && it.path.ends_with(&target);
                let times = applied.iter().filter(is_delete).count();
                assert!(times <= 1, "{change:?} was done {times} times");
                let state = "select state = 'DELETED' from employees where id = ?1";
                let is_gone = read(platform).query_row(state, [&target], |row| row.get(0)).unwrap_or(true);
                assert!(is_gone || listed.changes.contains(&target), "{change:?} is lost");
                continue;
            }
            What::Copy => {
                let is_it = |body: &Value| body["_id"] == from.as_str() && body["copyTo"] == target.as_str();
                let asked = made.iter().filter(|it| it.what == What::Copy && there(&it.target) == target);
                let asked = asked.filter(|it| there(&it.from) == from).count();
                let times = count("/pbx/app/mobileconfig/", &is_it);
                assert!(times <= asked, "{change:?} was done {times} times for {asked}");
                continue;
            }
            What::CreateConfig | What::Address => continue,
        };
        assert!(times <= 1, "{change:?} was done {times} times");
        assert!(times == 1 || is_listed, "{change:?} is lost");
        assert!(
            audited.is_none_or(|audited| audited == times),
            "{change:?}: {audited:?} in the audit trail, {times} on the line"
        );
    }
}

/// A field of an employee's got another value, by an audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Transition {
    field: &'static str,
    was: Option<String>,
    got: String,
    actor: Option<String>,
}

fn transitions(place: &Place) -> Vec<Transition> {
    let conn = read(place);
    let mut found = vec![];
    for field in ["title", "department", "name"] {
        let sql = format!(
            "select was, got, actor from (
                select json_extract(before, '$.{field}') was, actor, lead(json_extract(before, '$.{field}'), 1,
                    (select {field} from employees e where e.id = a.object)) over (partition by object order by seq) got
                from audit a where outcome = 'accepted' and section = 'Employees' and digest_after is not null)
             where got is not was and got is not null"
        );
        let mut statement = conn.prepare(&sql).unwrap();
        let rows = statement
            .query_map([], |row| Ok(Transition { field, was: row.get(0)?, got: row.get(1)?, actor: row.get(2)? }));
        found.extend(rows.unwrap().map(Result::unwrap));
    }
    found
}

/// What was overwritten at the platform from here was seen here before: nobody's change was overwritten unseen.
fn check_seen(there: &[Transition], applied: &[Applied], local: &Place) {
    let here = transitions(local).into_iter().map(|it| (it.field, it.was, it.got));
    let here: HashSet<(&str, Option<String>, String)> = here.collect();
    for it in there.iter().filter(|it| it.actor.as_deref() == Some(ACCOUNT)) {
        if here.contains(&(it.field, it.was.clone(), it.got.clone())) {
            continue;
        }
        // Between reading and sending there is a moment that the API leaves no way to close: then it was read as it had been.
        let sent = applied.iter().find(|sent| sent.body[it.field] == it.got.as_str());
        let seen = sent.and_then(|sent| sent.seen.as_ref());
        let is_a_moment =
            seen.is_some_and(|seen| it.was.as_ref().is_some_and(|was| !seen.contains(&format!("\"{was}\""))));
        assert!(is_a_moment, "overwritten unseen: {it:?}");
        eprintln!("overwritten between reading and sending: {it:?}");
    }
}
