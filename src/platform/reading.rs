//! Reading everything that the account reaches: customers, and of each its employees, queues and mobile configs.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use super::api::{Answer, ApiError};
use super::driver::{Driver, NOTE_EVERY_MS, Round};
use super::objects::id_of;
use super::paths::path;
use super::reader::{Listed, Pages, ReadError, array, pages};
use super::taking::plural;
use super::transport::{Request, Transport};
use crate::domain::access::Level;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::error::Result;
use crate::store::customers;
use crate::store::platform::{self, bases};

/// The account, as far as reading goes by it.
struct Account {
    employee: Option<Id>,
    customer: Id,
    level: Level,
}

impl<T: Transport> Driver<T> {
    /// Reads everything that the account reaches.
    pub(super) fn read_all(&mut self) -> Result<Round, ReadError> {
        let account = self.account()?;
        let mut round = Round::default();
        let mut troubles = vec![];
        let mut guards = vec![];
        let mut whole = HashSet::from(Table::ALL);
        let customers = match self.read_customers(&account, &mut round, &mut guards) {
            Ok(customers) => customers,
            Err(error) if error.is_of_one_list() => {
                // Those that are known are read all the same.
                let known = self.db.read(bases::customers)?;
                let known = self.live(known)?;
                if known.is_empty() {
                    return Err(error);
                }
                whole.remove(&Table::Customer);
                round.failed += 1;
                troubles.push(format!("customers: {error}"));
                known
            }
            Err(error) => return Err(error),
        };
        for customer in customers {
            for kind in [Table::Employee, Table::Queue, Table::MobileConfig] {
                match self.read_list(&account, kind, customer, &mut round, &mut guards) {
                    Ok(()) => {}
                    Err(error) if !error.is_of_one_list() => return Err(error),
                    Err(error) => {
                        whole.remove(&kind);
                        round.failed += 1;
                        if troubles.len() < 10 {
                            troubles.push(format!("{} of customer {customer}: {error}", plural(kind)));
                        }
                    }
                }
            }
            round.customers += 1;
            if let Some(progress) = &self.progress {
                progress(&round);
            }
        }
        self.note_reads(&whole, troubles, guards)?;
        Ok(round)
    }

    fn account(&mut self) -> Result<Account, ReadError> {
        let account = self.api.account()?;
        let not_understood = |what: &str| ApiError::Unreachable(format!("the platform's answer has no {what}"));
        let customer = account.customer.parse().map_err(|_| not_understood("customer"))?;
        let level = Level::parse(&account.level).ok_or_else(|| not_understood("access level that is known"))?;
        if level < Level::Viewer {
            let why = "the account reaches nothing: its access level must be VIEWER or higher, RESELLER for several customers";
            return Err(ApiError::Credential(why.into()).into());
        }
        let known = self.db.read(platform::record)?;
        if (known.level, known.customer) != (Some(level), Some(customer)) {
            let record = platform::Record { level: Some(level), customer: Some(customer), ..known };
            let is_first = known.customer.is_none();
            self.write(move |tx| {
                if is_first {
                    bases::forget_other_platform(tx, customer)?;
                }
                platform::set_record(tx, &record)
            })?;
        }
        Ok(Account { employee: account.employee.parse().ok(), customer, level })
    }

    /// Reads the customers; gives those whose objects are to be read.
    fn read_customers(
        &mut self,
        account: &Account,
        round: &mut Round,
        guards: &mut Vec<String>,
    ) -> Result<Vec<Id>, ReadError> {
        let known = self.db.read(|tx| bases::hashes(tx, Table::Customer, None))?;
        let mut listed = if account.level >= Level::Reseller {
            let all = if account.level == Level::Admin { "&all=true" } else { "" };
            let path = format!("/customer?full=true&includeSubresellers=true{all}");
            let list = Pages { path: &path, list: "customers", limit: 500 };
            pages(&mut self.api, &list, &known)?
        } else {
            Listed::new()?
        };
        if !listed.seen.contains(&account.customer) {
            let own = self.api.call(&Request::get(path(Table::Customer, account.customer)))?;
            match object_of(&own, account.customer) {
                Some(text) => drop(listed.add(text, &known)?),
                None if own.is_success() => return Err(ReadError::Void("the platform's answer is no customer".into())),
                None => return Err(ReadError::Denied(own.status, own.error())),
            }
        }
        let gone = self.gone(Table::Customer, &known, &listed, guards)?;
        let customers: Vec<Id> = listed.seen.iter().copied().collect();
        round.seen += listed.seen.len();
        self.take_list(Table::Customer, account.customer, listed, gone, round)?;
        self.live(customers)
    }

    /// Those of the customers that are here and not deleted, in order.
    fn live(&self, mut customers: Vec<Id>) -> Result<Vec<Id>, ReadError> {
        customers.sort();
        let live =
            self.db.read(|tx| Ok(customers.into_iter().filter(|id| customers::get(tx, *id).is_ok()).collect()))?;
        Ok(live)
    }

    /// Reads one kind of a customer's objects.
    fn read_list(
        &mut self,
        account: &Account,
        kind: Table,
        customer: Id,
        round: &mut Round,
        guards: &mut Vec<String>,
    ) -> Result<(), ReadError> {
        let known = self.db.read(|tx| bases::hashes(tx, kind, Some(customer)))?;
        let listed = match kind {
            Table::Employee => {
                let path = format!("/employee?customer={customer}&full=true");
                let list = Pages { path: &path, list: "employees", limit: 500 };
                pages(&mut self.api, &list, &known)?
            }
            Table::MobileConfig => {
                let mut listed = array(&mut self.api, &format!("/pbx/app/mobileconfig?customer={customer}"), &known)?;
                self.add_own_config(account, customer, &mut listed, &known)?;
                listed
            }
            _ => match self.read_queues(account, customer, &known)? {
                Some(listed) => listed,
                None => return Ok(()),
            },
        };
        let gone = self.gone(kind, &known, &listed, guards)?;
        round.seen += listed.seen.len();
        self.take_list(kind, customer, listed, gone, round)
    }

    /// Below MANAGER the list leaves out the account's own (api:pbx:app:mobileconfig:list).
    fn add_own_config(
        &mut self,
        account: &Account,
        customer: Id,
        listed: &mut Listed,
        known: &HashMap<Id, Hash>,
    ) -> Result<(), ReadError> {
        let Some(own) = account.employee.filter(|own| account.level < Level::Manager && !listed.seen.contains(own))
        else {
            return Ok(());
        };
        if customer != account.customer {
            return Ok(());
        }
        let answer = self.api.call(&Request::get(path(Table::MobileConfig, own)))?;
        match object_of(&answer, own) {
            Some(text) => drop(listed.add(text, known)?),
            None if answer.is_success() => {
                return Err(ReadError::Void("the platform's answer is no mobile config".into()));
            }
            None => {}
        }
        Ok(())
    }

    /// The queues of a customer (api:pbx:dialplan:list); where the account may not list them, those it has itself
    /// (api:pbx:app:queues). `None`: they cannot be listed, and are learned from mobile configs.
    fn read_queues(
        &mut self,
        account: &Account,
        customer: Id,
        known: &HashMap<Id, Hash>,
    ) -> Result<Option<Listed>, ReadError> {
        if !self.has_no_queues {
            let path = format!("/pbx/dialplan?type=QUEUE&customer={customer}");
            let list = Pages { path: &path, list: "dialplanItems", limit: 100 };
            match pages(&mut self.api, &list, known) {
                Err(ReadError::Denied(501, _)) => self.has_no_queues = true,
                // It may be this customer alone.
                Err(ReadError::Denied(403 | 404, _)) => {}
                read => return read.map(Some),
            }
        }
        if customer != account.customer {
            return Ok(None);
        }
        match array(&mut self.api, "/pbx/app/queues", known) {
            Err(ReadError::Denied(403 | 404 | 501, _)) => Ok(None),
            read => read.map(Some),
        }
    }

    /// Notes which kinds were read whole, and what is not deleted here.
    fn note_reads(
        &mut self,
        whole: &HashSet<Table>,
        troubles: Vec<String>,
        guards: Vec<String>,
    ) -> Result<(), ReadError> {
        let now = self.db.clock().now();
        let guard = (!guards.is_empty()).then(|| guards.join("; "));
        let is_first = {
            let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.troubles = troubles;
            health.reads.extend(whole.iter().map(|kind| (*kind, now)));
            health.noted_at.is_none_or(|at| at.plus_ms(NOTE_EVERY_MS) < now)
        };
        let old = self.db.read(platform::record)?;
        if old.guard == guard && !is_first {
            return Ok(());
        }
        let whole: Vec<Table> = whole.iter().copied().collect();
        self.write(move |tx| {
            let old = platform::record(tx)?;
            platform::set_record(tx, &platform::Record { guard, ..old })?;
            whole.into_iter().try_for_each(|kind| platform::note_read(tx, kind, now))
        })?;
        Ok(())
    }
}

/// The text of an answer that is this object.
fn object_of(answer: &Answer, id: Id) -> Option<&str> {
    let text = std::str::from_utf8(&answer.body).ok().filter(|_| answer.is_success())?;
    (id_of(text) == id).then_some(text)
}
