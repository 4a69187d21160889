//! Helpers of `scripts/bench`: the data, and the bare loops that the product's figures are held against.

mod bare_copy;
mod bare_http;
mod fleet;
mod generate;
mod groups;

use std::path::PathBuf;

use clap::Parser;

/// Whatever went wrong ends the run with its message.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(about)]
enum Command {
    /// Write a document for `telecomx-local import`: the same arguments give the same bytes
    Generate {
        #[arg(long)]
        customers: u32,
        #[arg(long)]
        employees_per_customer: u32,
        out: PathBuf,
    },
    /// Write a document that changes some of the configs of `generate`
    Changes {
        #[arg(long)]
        customers: u32,
        #[arg(long)]
        employees_per_customer: u32,
        /// Every how manyth
        #[arg(long)]
        every: u32,
        out: PathBuf,
    },
    /// Answer every GET with the bytes of a file: what HTTP alone can do
    BareHttp {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        answer: PathBuf,
    },
    /// Run the copy's statements in a bare loop: what SQLite alone can do. Changes the database
    BareCopy {
        #[arg(long)]
        db: PathBuf,
        /// Copies per commit
        #[arg(long)]
        group: u32,
        #[arg(long)]
        seconds: f64,
    },
    /// Play a fleet of edges against a hub; gives figures as JSON
    Fleet(Box<fleet::Fleet>),
    /// Tell how many writes shared a commit, from the write-ahead log of a database in use
    Groups {
        #[arg(long)]
        db: PathBuf,
        /// Leave out writes up to this number
        #[arg(long, default_value_t = 0)]
        since: i64,
    },
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Generate { customers, employees_per_customer, out } => {
            generate::run(customers, employees_per_customer, &out)
        }
        Command::Changes { customers, employees_per_customer, every, out } => {
            generate::changes(customers, employees_per_customer, every, &out)
        }
        Command::BareHttp { listen, answer } => bare_http::run(&listen, &answer),
        Command::BareCopy { db, group, seconds } => bare_copy::run(&db, group, seconds),
        Command::Fleet(options) => fleet::run(&options),
        Command::Groups { db, since } => groups::run(&db, since),
    }
}
