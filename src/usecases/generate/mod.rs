//! A world with Danish names, as large as wanted, as a document that import takes.
//!
//! Every object follows from the seed and its number, so a colleague's name is made again where a mobile config needs it: memory
//! does not grow with the world, and the same seed gives the same bytes.

mod chance;
mod names;
mod people;

use std::io::{self, Write};

use serde::Serialize;

use chance::{Kind, Seed};
use names::{FORMS, LAST, QUEUES, STREETS, TRADES, in_ascii};
use people::{Company, Role, Steps};

use crate::domain::address::Address;
use crate::domain::billing::Finance;
use crate::domain::customer::Customer;
use crate::domain::danish_cities;
use crate::domain::queue::Queue;

/// One reseller for so many customers.
const CUSTOMERS_PER_RESELLER: u64 = 20;
/// One queue for so many employees of a customer.
const EMPLOYEES_PER_QUEUE: u64 = 12;

/// How large a world is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Resellers are counted too; the first stands above all others.
    pub customers: u64,
    pub employees: u64,
}

impl Size {
    pub const CUSTOMERS_MAX: u64 = 1_000_000;
    pub const EMPLOYEES_MAX: u64 = 10_000_000;
}

/// Writes the world to `out`, one object a line.
pub fn write(size: Size, seed: u64, out: &mut dyn Write) -> io::Result<()> {
    let world = World { size, seed: Seed(seed), places: danish_cities::places().collect() };
    let mut list = List { out, is_empty: true };
    list.begin("{\n\"customers\": [")?;
    for number in 0..size.customers {
        list.push(&world.customer(number))?;
    }
    list.begin("\n],\n\"queues\": [")?;
    for number in 0..size.customers {
        let company = world.company(number);
        (0..world.queue_count(&company)).try_for_each(|place| list.push(&world.queue(&company, place)))?;
    }
    list.begin("\n],\n\"employees\": [")?;
    for number in 0..size.customers {
        let company = world.company(number);
        (0..company.employees).try_for_each(|place| list.push(&company.employee(place)))?;
    }
    list.begin("\n],\n\"mobileConfigs\": [")?;
    for number in 0..size.customers {
        let company = world.company(number);
        let queues: Vec<Queue> = (0..world.queue_count(&company)).map(|place| world.queue(&company, place)).collect();
        (0..company.employees)
            .filter_map(|place| company.mobile_config(place, &queues))
            .try_for_each(|config| list.push(&config))?;
    }
    list.begin("\n],\n\"pbxObjects\": [")?;
    for number in 0..size.customers {
        let company = world.company(number);
        (0..company.employees).try_for_each(|place| list.push(&company.extension(place)))?;
        for place in 0..company.employees {
            let queue = place / EMPLOYEES_PER_QUEUE;
            if queue < world.queue_count(&company) {
                list.push(&company.member(place, world.queue(&company, queue).id))?;
            }
        }
    }
    list.begin("\n]\n}\n")
}

struct List<'o> {
    out: &'o mut dyn Write,
    is_empty: bool,
}

impl List<'_> {
    fn begin(&mut self, text: &str) -> io::Result<()> {
        self.is_empty = true;
        self.out.write_all(text.as_bytes())
    }

    fn push(&mut self, object: &impl Serialize) -> io::Result<()> {
        self.out.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        Ok(serde_json::to_writer(&mut *self.out, object)?)
    }
}

struct World {
    size: Size,
    seed: Seed,
    /// Postal codes with their cities.
    places: Vec<(&'static str, &'static str)>,
}

impl World {
    /// Resellers come first, the one above all others at their head.
    fn resellers(&self) -> u64 {
        1 + (self.size.customers - 1) / CUSTOMERS_PER_RESELLER
    }

    fn role(&self, number: u64) -> Role {
        match number {
            0 => Role::Top,
            number if number < self.resellers() => Role::Reseller,
            _ => Role::Customer,
        }
    }

    /// How many employees the customers before `number` have: the first has one at least, the last about three times as many as
    /// the first ones.
    fn employees_before(&self, number: u64) -> u64 {
        if number == 0 {
            return 0;
        }
        let (customers, number) = (u128::from(self.size.customers), u128::from(number));
        let others = u128::from(self.size.employees - 1);
        1 + (others * number * (number + customers) / (2 * customers * customers)) as u64
    }

    fn company(&self, number: u64) -> Company {
        let first = self.employees_before(number);
        let name = self.customer_name(number);
        Company {
            seed: self.seed,
            id: self.seed.id(Kind::Customer, number),
            role: self.role(number),
            domain: format!("{}-{number}.example.com", in_ascii(&name)),
            first,
            employees: self.employees_before(number + 1) - first,
            names: Steps::new(&mut self.seed.draws(Kind::Queue, number)),
        }
    }

    fn customer_name(&self, number: u64) -> String {
        let mut draws = self.seed.draws(Kind::Customer, number);
        let (last, form) = (draws.of(&LAST), draws.of(&FORMS));
        match (self.role(number), draws.below(3)) {
            (Role::Top, _) => "Dansk Hovedforhandler".into(),
            (Role::Reseller, _) => format!("{last} Telefoni {form}"),
            (Role::Customer, 0) => format!("{last} & {} {form}", draws.of(&LAST)),
            (Role::Customer, 1) => format!("{last}s {} {form}", draws.of(&TRADES)),
            (Role::Customer, _) => {
                let (_, city) = draws.of(&self.places);
                format!("{} {} {form}", without_district(city), draws.of(&TRADES))
            }
        }
    }

    fn customer(&self, number: u64) -> Customer {
        let company = self.company(number);
        let mut draws = self.seed.draws(Kind::Address, number);
        let mut customer = Customer::new(company.id);
        customer.name = self.customer_name(number);
        customer.parent_reseller = match company.role {
            Role::Top => None,
            Role::Reseller => Some(self.seed.id(Kind::Customer, 0)),
            Role::Customer => Some(self.seed.id(Kind::Customer, draws.below(self.resellers()))),
        };
        let features: &[&str] = match company.role {
            Role::Customer => &["CUSTOMER", "SIP", "MVNO", "PBX", "CHANGELOG"],
            _ => &["CUSTOMER", "SIP", "MVNO", "PBX", "DNS", "INTERNET", "CHANGELOG", "FINANCE", "ORGANIZATION"],
        };
        customer.features = features.iter().map(|feature| (*feature).to_owned()).collect();
        // Numbers that nobody can have: none begins with 00.
        customer.phone_number = Some(format!("+4500{number:06}"));
        customer.email_address = Some(format!("info@{}", company.domain));
        customer.website = Some(format!("https://{}", company.domain));
        let invoices = format!("faktura@{}", company.domain);
        customer.finance =
            Finance { vat_number: Some(format!("{number:08}")), email_address: Some(invoices), ..Finance::default() };
        customer.addresses =
            (0..1 + draws.below(2)).map(|place| self.address(number * 2 + place, place == 0)).collect();
        customer
    }

    fn address(&self, number: u64, primary: bool) -> Address {
        let mut draws = self.seed.draws(Kind::Address, number << 1 | 1);
        let (zip, city) = *draws.of(&self.places);
        Address {
            id: self.seed.id(Kind::Address, number),
            primary,
            alternative_name: None,
            address: format!("{} {}", draws.of(&STREETS), 1 + draws.below(120)),
            zip: zip.into(),
            city: city.into(),
            state: None,
            country: Some("DK".into()),
            fixed_number: None,
            fax_number: None,
        }
    }

    fn queue_count(&self, company: &Company) -> u64 {
        company.employees.div_ceil(EMPLOYEES_PER_QUEUE).min(QUEUES.len() as u64)
    }

    fn queue(&self, company: &Company, place: u64) -> Queue {
        // There are fewer than employees: each takes the number of one of them.
        let id = self.seed.id(Kind::Queue, company.first + place);
        Queue { number: Some(format!("{}", 801 + place)), ..Queue::new(id, company.id, QUEUES[place as usize]) }
    }
}

/// `Aarhus`, of `Aarhus C`.
fn without_district(city: &str) -> &str {
    let mut parts = city.rsplitn(2, ' ');
    match (parts.next(), parts.next()) {
        (Some(district), Some(rest)) if district.chars().count() <= 2 => rest,
        _ => city,
    }
}
