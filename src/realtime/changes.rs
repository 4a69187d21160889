//! From what a commit has changed to what listeners are told of it.

use std::collections::BTreeMap;

use crate::db::{ChangeNotice, Notices};
use crate::domain::id::Id;
use crate::domain::realtime::{Event, Kind, event_type};

/// As many changes of one commit are told one by one, of a customer or of all; of more, that everything is to be read again.
/// A listener has room for several commits like that.
pub const BURST_MAX: usize = 16;

/// The events of one commit.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// For the listeners of customers, in the order of the changes of each.
    pub to_customers: Vec<Event>,
    /// For those who listen to all.
    pub to_all: Vec<Event>,
}

/// What is told of these changes; `None`: all are to read again.
pub fn told(notices: &Notices) -> Option<Told> {
    if notices.is_incomplete {
        return None;
    }
    let events: Vec<Event> = notices.changes.iter().filter_map(event_of).collect();
    let mut of_customers: BTreeMap<Id, Vec<Event>> = BTreeMap::new();
    for event in &events {
        if let Some(customer) = event.customer {
            of_customers.entry(customer).or_default().push(event.clone());
        }
    }
    let shortened = |(customer, events): (Id, Vec<Event>)| match events.len() {
        0..=BURST_MAX => events,
        _ => vec![Event::reload(Some(customer))],
    };
    let to_customers = of_customers.into_iter().flat_map(shortened).collect();
    let to_all = if events.len() > BURST_MAX { vec![Event::reload(None)] } else { events };
    Some(Told { to_customers, to_all })
}

fn event_of(notice: &ChangeNotice) -> Option<Event> {
    let subject = notice.subject;
    Some(Event {
        kind: Kind::Config,
        name: event_type(subject.section, notice.action)?.into(),
        customer: subject.customer,
        id: Some(subject.object),
        data: None,
        employee: notice.author.map(|(employee, _)| employee),
        hides_employee: notice.author.is_some_and(|(_, customer)| subject.customer != Some(customer)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Subject;
    use crate::domain::audit::{Action, EMPLOYEES};

    fn change(customer: i64, author_of: i64) -> ChangeNotice {
        let [customer, author_of] = [customer, author_of].map(Id::from_number);
        let subject = Subject { section: EMPLOYEES, object: Id::from_number(7), customer: Some(customer) };
        ChangeNotice { subject, action: Action::Update, author: Some((Id::from_number(8), author_of)) }
    }

    fn of(changes: Vec<ChangeNotice>) -> Told {
        told(&Notices { changes, is_incomplete: false }).unwrap()
    }

    #[test]
    fn a_change_is_told_to_its_customer_with_its_author_only_if_that_is_the_customers_own() {
        let told = of(vec![change(1, 1), change(2, 1)]);
        assert_eq!(told.to_customers, told.to_all);
        let payloads: Vec<_> = told.to_all.iter().map(|event| event.payload(false)).collect();
        let expected = serde_json::json!({ "type": "EMPLOYEE_CHANGED", "customer": Id::from_number(1),
            "id": Id::from_number(7), "employee": Id::from_number(8), "inferred": true });
        assert_eq!(payloads[0], expected);
        assert_eq!(payloads[1].get("employee"), None);
        assert_eq!(told.to_all[1].payload(true)["employee"], serde_json::json!(Id::from_number(8)));
    }

    #[test]
    fn of_many_changes_it_is_only_told_that_there_were_many() {
        let most = BURST_MAX as i64;
        let told_of_one = of((0..=most).map(|_| change(1, 1)).collect());
        assert_eq!(told_of_one.to_customers, [Event::reload(Some(Id::from_number(1)))]);
        assert_eq!(told_of_one.to_all, [Event::reload(None)]);
        let told_of_many = of((0..=most).map(|customer| change(customer, 1)).collect());
        assert_eq!(told_of_many.to_customers.len(), BURST_MAX + 1);
        assert_eq!(told_of_many.to_all, [Event::reload(None)]);
        assert_eq!(told(&Notices::of_everything()), None);
    }
}
