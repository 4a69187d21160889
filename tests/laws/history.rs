//! Everything that a caller of the API can change, and what comes in by proposal and import besides.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use telecomx_local::domain::mirror::Table;

use crate::changes::{Patch, configs, patch};
use crate::values;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caller {
    Admin,
    Reseller,
    Owner,
}

#[derive(Clone, Debug)]
pub enum Step {
    CreateCustomer(Caller, Patch),
    UpdateCustomer(Caller, Index, Patch),
    DeleteCustomer(Caller, Index),
    CreateAddress(Caller, Index, Patch),
    UpdateAddress(Caller, Index, Index, Patch),
    DeleteAddress(Caller, Index, Index),
    CreateEmployee(Caller, Index, Patch),
    UpdateEmployee(Caller, Index, Patch),
    DeleteEmployee(Caller, Index),
    /// So many days ahead.
    PutOffDelete(Caller, Index, i64),
    /// A day passes, and what is due then is done.
    Tomorrow,
    CreateToken(Caller, Index),
    DeleteToken(Caller, Index),
    /// Of the caller's own.
    CreateAuthenticatorKey(Caller),
    ResetAuthenticatorKey(Caller, Index),
    DefaultConfig(Caller, Index),
    WriteConfig(Caller, Index, Value),
    CopyConfig(Caller, Index, Index),
    Impersonate(Caller, Index),
    /// Hashing takes its time.
    SetPassword(Index),
    Propose(Table, Index, Patch),
    ProposeConfig(Index, Value),
    ProposeCopy(Index, Index),
    ImportQueue(Index, Patch),
    ImportEmployee(Index, Patch),
    ImportCustomer(Index, Patch),
    /// With a hub, from here on.
    Enroll,
    Sync,
}

pub fn step() -> BoxedStrategy<Step> {
    use Step::*;
    let index = any::<Index>;
    let caller = || prop_oneof![8 => Just(Caller::Admin), 1 => Just(Caller::Reseller), 1 => Just(Caller::Owner)];
    let (customer, employee) = (|| patch(values::of_customer, 9), || patch(values::of_employee, 9));
    let (address, queue) = (|| patch(values::of_address, 9), || patch(values::of_queue, 9));
    let objects = prop_oneof![
        2 => (caller(), customer()).prop_map(|(by, patch)| CreateCustomer(by, patch)),
        5 => (caller(), index(), customer()).prop_map(|(by, at, patch)| UpdateCustomer(by, at, patch)),
        2 => (caller(), index()).prop_map(|(by, at)| DeleteCustomer(by, at)),
        2 => (caller(), index(), address()).prop_map(|(by, at, patch)| CreateAddress(by, at, patch)),
        2 => (caller(), index(), index(), address()).prop_map(|(by, at, of, patch)| UpdateAddress(by, at, of, patch)),
        4 => (caller(), index(), index()).prop_map(|(by, at, of)| DeleteAddress(by, at, of)),
        4 => (caller(), index(), employee()).prop_map(|(by, at, patch)| CreateEmployee(by, at, patch)),
        8 => (caller(), index(), employee()).prop_map(|(by, at, patch)| UpdateEmployee(by, at, patch)),
        4 => (caller(), index()).prop_map(|(by, at)| DeleteEmployee(by, at)),
        1 => (caller(), index(), 1..4_i64).prop_map(|(by, at, days)| PutOffDelete(by, at, days)),
        1 => Just(Tomorrow),
    ];
    let people = prop_oneof![
        10 => (caller(), index()).prop_map(|(by, at)| CreateToken(by, at)),
        5 => (caller(), index()).prop_map(|(by, at)| DeleteToken(by, at)),
        5 => caller().prop_map(CreateAuthenticatorKey),
        5 => (caller(), index()).prop_map(|(by, at)| ResetAuthenticatorKey(by, at)),
        5 => (caller(), index()).prop_map(|(by, at)| Impersonate(by, at)),
        1 => index().prop_map(SetPassword),
    ];
    let contents = prop_oneof![
        3 => (caller(), index()).prop_map(|(by, at)| DefaultConfig(by, at)),
        5 => (caller(), index(), configs()).prop_map(|(by, at, configs)| WriteConfig(by, at, configs)),
        3 => (caller(), index(), index()).prop_map(|(by, from, to)| CopyConfig(by, from, to)),
    ];
    let others = prop_oneof![
        3 => (index(), customer()).prop_map(|(at, patch)| Propose(Table::Customer, at, patch)),
        3 => (index(), employee()).prop_map(|(at, patch)| Propose(Table::Employee, at, patch)),
        2 => (index(), queue()).prop_map(|(at, patch)| Propose(Table::Queue, at, patch)),
        2 => (index(), configs()).prop_map(|(at, configs)| ProposeConfig(at, configs)),
        2 => (index(), index()).prop_map(|(from, to)| ProposeCopy(from, to)),
        2 => (index(), queue()).prop_map(|(at, patch)| ImportQueue(at, patch)),
        2 => (index(), employee()).prop_map(|(at, patch)| ImportEmployee(at, patch)),
        2 => (index(), customer()).prop_map(|(at, patch)| ImportCustomer(at, patch)),
    ];
    let mirror = prop_oneof![1 => Just(Enroll), 3 => Just(Sync)];
    prop_oneof![20 => objects, 2 => people, 6 => contents, 6 => others, 1 => mirror].boxed()
}

pub fn steps() -> BoxedStrategy<Vec<Step>> {
    vec(step(), 15..=40).boxed()
}

impl Step {
    pub fn is_import(&self) -> bool {
        matches!(self, Step::ImportQueue(..) | Step::ImportEmployee(..) | Step::ImportCustomer(..))
    }
}
