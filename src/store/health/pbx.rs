//! Objects of the PBX refer to what is there, and is their customer's. Those of deleted customers may refer to what is gone.

use super::finding::{Finding, Offenders, finding};
use crate::db::ReadTx;
use crate::error::Result;

const OF_LIVE: &str = "from pbx_objects o join customers c on c.id = o.customer and c.state <> 'DELETED'";

/// Every employee, queue and extension that an object of the PBX names is there, and of the same customer.
pub fn check(tx: &ReadTx) -> Result<Finding> {
    let employee = format!(
        "select o.id {OF_LIVE} where o.employee is not null and not exists (
            select 1 from employees e where e.id = o.employee and e.customer = o.customer and e.state <> 'DELETED')
         order by o.id"
    );
    let queue = format!(
        "select o.id {OF_LIVE} where o.queue is not null and not exists (
            select 1 from queues q where q.id = o.queue and q.customer = o.customer) order by o.id"
    );
    let is_gone = "not exists (
        select 1 from pbx_objects x where x.id = named.value and x.kind = 'EXTENSION' and x.customer = o.customer)";
    let extension = format!(
        "select o.id {OF_LIVE} where o.kind = 'QUEUE_MEMBER' and exists (
            select 1 from json_each(json_array(json_extract(o.object, '$.extension'))) named
            where named.value is not null and {is_gone})
         or o.kind = 'GROUP' and exists (
            select 1 from (select value from json_each(o.object, '$.members')
                union all select value from json_each(o.object, '$.controllers')) named where {is_gone})
         order by o.id"
    );
    let offenders = [
        Offenders::select(
            tx,
            (
                "objects of the PBX belong to an employee who is deleted or of another customer",
                "import each again with another employee, or without one",
            ),
            &employee,
            [],
        )?,
        Offenders::select(
            tx,
            (
                "members are of a queue that does not exist or is another customer's",
                "import the queue, or each member again with another queue",
            ),
            &queue,
            [],
        )?,
        Offenders::select(
            tx,
            (
                "members of queues and groups are extensions that do not exist or are another customer's",
                "import the extensions, or each object again without them",
            ),
            &extension,
            [],
        )?,
    ];
    Ok(finding(&offenders, "each of what is there"))
}
