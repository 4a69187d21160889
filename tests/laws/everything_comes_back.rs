//! Whatever was accepted comes back: from an export, from a backup, and from a hub on either store.

use crate::comes_back::{doctor, enroll, from_backup, from_export, from_hub};
use crate::history::{Step, steps};
use crate::hubs::{on_postgres, on_sqlite};
use crate::play::Law;
use crate::player::Player;
use crate::support::TestApp;
use crate::world::saved;

/// Each so many histories are also mirrored to a hub on PostgreSQL: there an exchange takes several times as long.
const ON_POSTGRES_EVERY: u64 = 5;

#[test]
fn everything_comes_back() {
    let law = Law { name: "everything comes back", cases: 500, steps, run: play };
    law.holds();
}

fn play(seed: u64, steps: &[Step]) -> Result<(), String> {
    let app = TestApp::on(saved());
    let mut player = Player::new(&app);
    for step in steps {
        player.play(step)?;
    }
    doctor(&app)?;
    from_export(&app)?;
    from_backup(&app)?;
    if !player.is_enrolled {
        enroll(on_sqlite(), &player.admin);
    }
    from_hub("SQLite", on_sqlite(), &app, &player.admin)?;
    if seed.is_multiple_of(ON_POSTGRES_EVERY) {
        enroll(on_postgres(), &player.admin);
        from_hub("PostgreSQL", on_postgres(), &app, &player.admin)?;
    }
    // What doctor says after all of it is looked at when the server stops.
    Ok(())
}
