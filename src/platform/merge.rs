//! Three-way merge by field: what the platform has changed is taken, and what is to be changed there yet stays.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::platform::is_same;

/// `here` with the fields in which `theirs` differs from `base`; without a base, with all of `theirs`. Fields in `held` have
/// operations waiting: they stay as they are here.
pub fn merge(
    here: &Map<String, Value>,
    base: Option<&Map<String, Value>>,
    theirs: &Map<String, Value>,
    held: &HashSet<String>,
) -> Map<String, Value> {
    let mut merged = here.clone();
    let known = base.map(Map::keys).into_iter().flatten();
    let names: HashSet<&String> = here.keys().chain(theirs.keys()).chain(known).collect();
    for name in names {
        let is_unchanged = base.is_some_and(|base| is_same(base.get(name), theirs.get(name)));
        if is_unchanged || held.contains(name) {
            continue;
        }
        match theirs.get(name) {
            Some(value) => merged.insert(name.clone(), value.clone()),
            None => merged.remove(name),
        };
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn each_side_s_changes_come_together_field_by_field() {
        let base = object(json!({ "name": "Anna", "title": "Shop", "phone": "1", "left": "x" }));
        let here = object(json!({ "name": "Anna B", "title": "Shop", "phone": "1", "left": "x", "own": true }));
        let theirs = object(json!({ "name": "Anna C", "title": "Bakery", "phone": "1" }));
        let held = HashSet::from(["name".to_owned()]);
        let merged = merge(&here, Some(&base), &theirs, &held);
        assert_eq!(merged, object(json!({ "name": "Anna B", "title": "Bakery", "phone": "1", "own": true })));
        let put_back = merge(&here, None, &theirs, &HashSet::new());
        assert_eq!(put_back, theirs, "without a base everything is as the platform has it");
    }

    #[test]
    fn what_nobody_changed_there_stays_whatever_it_is_here() {
        let base = object(json!({ "name": "Anna" }));
        let here = object(json!({ "name": "Anna B" }));
        assert_eq!(merge(&here, Some(&base), &base, &HashSet::new()), here);
    }
}
