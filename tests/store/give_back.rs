//! What the files no longer need goes back to the disk while nobody writes.

use std::time::{Duration, Instant};

use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db};

use crate::support::{Place, world};

#[test]
fn a_database_that_was_larger_and_its_log_shrink_while_nobody_writes() {
    let place = Place::holding(&world::small());
    let db = Db::open(&place.db(), Clock::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let write = |sql: &'static str| {
        runtime.block_on(db.write(Author::system("test"), move |tx| Ok(tx.conn.execute(sql, [])?))).unwrap()
    };
    write(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 3000)
         insert into outbox (at, kind, customer, content)
            select 0, 'sms', 'c00000000000000000000001', json_object('text', hex(zeroblob(5000))) from n",
    );
    assert_eq!(write("delete from outbox"), 3000);
    let number = |sql: &str| place.sqlite().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let largest = number("pragma page_count");
    assert!(largest > 7_000, "{largest}");
    let log = place.path("telecomx.db-wal");
    let log_bytes = || std::fs::metadata(&log).map_or(0, |data| data.len());
    assert!(log_bytes() > 10 << 20);
    let begun = Instant::now();
    while number("pragma page_count") > 1_500 || log_bytes() > 0 {
        let (pages, bytes) = (number("pragma page_count"), log_bytes());
        assert!(begun.elapsed() < Duration::from_secs(120), "{pages} pages, {bytes} bytes of the log");
        std::thread::yield_now();
    }
    // What is kept is used again, and nothing was lost.
    assert_eq!(write("insert into outbox (at, kind, customer, content) values (0, 'sms', '', '{}')"), 1);
    drop(db);
    place.run(&["doctor"]);
}
