//! The benchmark's data: one document for `telecomx-local import`, streamed to a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::Result;

/// Password of every manager; `scripts/bench` logs in with it.
const PASSWORD: &[u8] = b"Passw0rd1234";
/// One salt for all, so that the same arguments give the same bytes.
const SALT: &[u8; 16] = b"telecomx-bench-1";

/// Entries of each of a config's two COLLEAGUES lists; with [`QUEUES`] a config comes to about 1.5 KB.
const COLLEAGUES: u32 = 8;
/// Entries of each of a config's two QUEUES lists.
const QUEUES: u32 = 4;
const QUEUES_PER_CUSTOMER: u32 = 12;

const FIRST_NAMES: [&str; 12] =
    ["Anna", "Bjørn", "Cecilie", "Dorthe", "Emil", "Freja", "Gustav", "Helle", "Ida", "Jørgen", "Kåre", "Lærke"];
const LAST_NAMES: [&str; 7] = ["Jensen", "Nielsen", "Østergaard", "Pedersen", "Ravn", "Sørensen", "Åkjær"];

/// What an id stands for: its first four digits.
#[derive(Clone, Copy)]
enum Kind {
    Customer = 0xc000,
    Address = 0xad00,
    Queue = 0xf000,
    Employee = 0xe000,
}

fn id(kind: Kind, number: u32) -> String {
    format!("{:04x}{number:020x}", kind as u32)
}

struct World {
    employees_per_customer: u32,
    password_hash: String,
}

pub fn run(customers: u32, employees_per_customer: u32, out: &Path) -> Result<()> {
    if customers == 0 || employees_per_customer <= 2 * COLLEAGUES {
        return Err(format!("at least 1 customer and {} employees for each are needed", 2 * COLLEAGUES + 1).into());
    }
    let world = World { employees_per_customer, password_hash: password_hash()? };
    let mut out = BufWriter::new(File::create(out)?);
    write!(out, "{{\"customers\":")?;
    list(&mut out, 0..customers, |out, customer| world.customer(out, customer))?;
    write!(out, ",\n\"queues\":")?;
    list(&mut out, 0..customers * QUEUES_PER_CUSTOMER, |out, queue| world.queue(out, queue))?;
    write!(out, ",\n\"employees\":")?;
    list(&mut out, 0..customers * employees_per_customer, |out, employee| world.employee(out, employee))?;
    write!(out, ",\n\"mobileConfigs\":")?;
    list(&mut out, 0..customers * employees_per_customer, |out, employee| world.mobile_config(out, employee))?;
    writeln!(out, "}}")?;
    Ok(out.into_inner()?.sync_all()?)
}

/// Configs of every `every`th employee, as others have them.
pub fn changes(customers: u32, employees_per_customer: u32, every: u32, out: &Path) -> Result<()> {
    let world = World { employees_per_customer, password_hash: String::new() };
    let mut out = BufWriter::new(File::create(out)?);
    write!(out, "{{\"mobileConfigs\":")?;
    let changed = (0..customers * employees_per_customer).step_by(every as usize);
    list(&mut out, changed, |out, employee| world.mobile_config_like(out, employee, employee + 1))?;
    writeln!(out, "}}")?;
    Ok(out.into_inner()?.sync_all()?)
}

/// Hashed once for all managers: 20 ms for each would tell nothing.
fn password_hash() -> Result<String> {
    let params = Params::new(19_456, 2, 1, None).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password_with_salt(PASSWORD, SALT).map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// A JSON array, an item a line.
fn list<W: Write, T>(
    out: &mut W,
    items: impl Iterator<Item = T>,
    mut write_item: impl FnMut(&mut W, T) -> std::io::Result<()>,
) -> std::io::Result<()> {
    write!(out, "[")?;
    for (i, item) in items.enumerate() {
        write!(out, "{}", if i == 0 { "\n" } else { ",\n" })?;
        write_item(out, item)?;
    }
    write!(out, "]")
}

impl World {
    fn customer(&self, out: &mut impl Write, number: u32) -> std::io::Result<()> {
        write!(
            out,
            r#"{{"_id":"{}","name":"Kunde {number} ApS","addresses":[{{"_id":"{}","primary":true,"address":"Hovedgaden {}","zip":"8000","city":"Aarhus","country":"DK"}}],"features":["PBX"]}}"#,
            id(Kind::Customer, number),
            id(Kind::Address, number),
            number + 1,
        )
    }

    fn queue(&self, out: &mut impl Write, number: u32) -> std::io::Result<()> {
        write!(
            out,
            r#"{{"_id":"{}","customer":"{}","name":"{}","number":"{}"}}"#,
            id(Kind::Queue, number),
            id(Kind::Customer, number / QUEUES_PER_CUSTOMER),
            queue_name(number),
            700 + number % QUEUES_PER_CUSTOMER,
        )
    }

    /// The first of each customer is its manager, and the only one who can log in.
    fn employee(&self, out: &mut impl Write, number: u32) -> std::io::Result<()> {
        let customer = number / self.employees_per_customer;
        let is_manager = number.is_multiple_of(self.employees_per_customer);
        write!(
            out,
            r#"{{"_id":"{}","customer":"{}","accessLevel":"{}","name":"{}","emailAddress":"e{number}@kunde{customer}.dk""#,
            id(Kind::Employee, number),
            id(Kind::Customer, customer),
            if is_manager { "MANAGER" } else { "PERSONAL" },
            employee_name(number),
        )?;
        if is_manager {
            write!(out, r#","passwordHash":"{}""#, self.password_hash)?;
        }
        write!(out, "}}")
    }

    /// Colleagues and queues next to the employee's own number: no two configs are alike.
    fn mobile_config(&self, out: &mut impl Write, number: u32) -> std::io::Result<()> {
        self.mobile_config_like(out, number, number)
    }

    /// The config of one employee, with the entries that stand next to the number `like`.
    fn mobile_config_like(&self, out: &mut impl Write, number: u32, like: u32) -> std::io::Result<()> {
        let customer = number / self.employees_per_customer;
        write!(
            out,
            r#"{{"_id":"{}","customer":"{}","configs":["#,
            id(Kind::Employee, number),
            id(Kind::Customer, customer)
        )?;
        let colleague = |step: u32| {
            let colleague = customer * self.employees_per_customer + (like + step) % self.employees_per_customer;
            (id(Kind::Employee, colleague), employee_name(colleague))
        };
        let queue = |step: u32| {
            let queue = customer * QUEUES_PER_CUSTOMER + (like + step) % QUEUES_PER_CUSTOMER;
            (id(Kind::Queue, queue), queue_name(queue))
        };
        section(out, "COLLEAGUES", COLLEAGUES, colleague)?;
        write!(out, ",")?;
        section(out, "QUEUES", QUEUES, queue)?;
        write!(out, "]}}")
    }
}

fn section(
    out: &mut impl Write,
    kind: &str,
    length: u32,
    entry: impl Fn(u32) -> (String, String),
) -> std::io::Result<()> {
    let entries = |from: u32| {
        let entries: Vec<String> = (from..from + length)
            .map(|step| {
                let (id, name) = entry(step);
                format!(r#"{{"_id":"{id}","name":"{name}"}}"#)
            })
            .collect();
        entries.join(",")
    };
    write!(out, r#"{{"type":"{kind}","items":[{}],"others":[{}]}}"#, entries(1), entries(1 + length))
}

fn employee_name(number: u32) -> String {
    let pick = |names: &'static [&str]| names[number as usize % names.len()];
    format!("{} {} {number}", pick(&FIRST_NAMES), pick(&LAST_NAMES))
}

fn queue_name(number: u32) -> String {
    format!("Support {number}")
}
