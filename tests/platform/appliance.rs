//! Two processes of the program: one with the demo world plays the platform, the other is an appliance that works with it.

use serde_json::{Value, json};

use crate::support::place::succeeds;
use crate::support::{Place, Server};

pub const PASSWORD: &str = "Demo-Passw0rd";
pub const OWN_PASSWORD: &str = "Local-Passw0rd";
pub const OWN_ADMIN: &str = "here@appliance.example.com";
pub const ANNA: &str = "e00000000000000000000402";
pub const BAKERY: &str = "c00000000000000000000004";

pub struct Appliance {
    pub place: Place,
    pub there: Server,
    _there: Place,
}

impl Appliance {
    /// Connected, with an administrator of its own, and not running yet.
    pub fn connected() -> Appliance {
        let appliance = Appliance::apart();
        appliance.connect();
        appliance
    }

    /// Filled and connected, with nobody of its own.
    pub fn alike() -> Appliance {
        let appliance = Appliance::empty();
        let account = ["--username", "admin@platform.example.com", "--password-file", "password"];
        succeeds(appliance.place.on_db(&["platform", "pull", &appliance.there.url]).args(account));
        appliance.connect();
        appliance
    }

    fn empty() -> Appliance {
        let (place, there_place) = (Place::new(), Place::new());
        let there = there_place.serve_with(&["--demo"]);
        place.put("password", PASSWORD);
        Appliance { place, there, _there: there_place }
    }

    /// Not connected yet.
    pub fn apart() -> Appliance {
        let Appliance { place, there, _there: there_place } = Appliance::empty();
        place.put("own-password", OWN_PASSWORD);
        place.run(&["admin", "create", "--email", OWN_ADMIN, "--password-file", "own-password"]);
        Appliance { place, there, _there: there_place }
    }

    pub fn connect(&self) -> String {
        let account = ["--username", "admin@platform.example.com", "--password-file", "password"];
        succeeds(self.place.on_db(&["platform", "connect", &self.there.url]).args(account))
    }

    /// The appliance, which has read everything once.
    pub fn serve(&self, more: &[&str]) -> (Server, String) {
        let usual = ["--platform-requests-per-second", "0", "--platform-interval-s", "3600"];
        let here = self.place.serve_with(&[&usual, more].concat());
        let token = log_in(&here, OWN_ADMIN, OWN_PASSWORD);
        round(&here, &token);
        (here, token)
    }

    pub fn there_token(&self) -> String {
        log_in(&self.there, "admin@platform.example.com", PASSWORD)
    }
}

pub fn log_in(server: &Server, name: &str, password: &str) -> String {
    let answer = server.post("/auth/login", "", &json!({ "username": name, "password": password }));
    answer.body["token"].as_str().unwrap_or_else(|| panic!("{name}: {}", answer.body)).to_owned()
}

/// One round with the platform; how it stands then.
pub fn round(here: &Server, token: &str) -> Value {
    let answer = here.post("/sync", token, &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["platform"].clone()
}
