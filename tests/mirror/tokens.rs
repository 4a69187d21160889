//! Tokens that are replaced while the edges of a simulation send.

use telecomx_local::sync::hub::admin_store::AdminStore;

use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::simulation::{Kind, Simulation};

impl<H: SimulatedHub> Simulation<H> {
    /// The edge asks for another token; the answer may be lost. Where a hub is put back, it may know none of them, and somebody
    /// must enrol the edge again: that is not played.
    pub fn rotate_token(&mut self, i: usize) {
        if self.kind != Kind::Calm {
            return;
        }
        // The call that asks for a token is authenticated by the present one, which is good from then on.
        let (origin, present) = (self.hub.origin(&self.sides[i].origin), self.sides[i].token);
        if origin.is_next_token(&present) {
            block_on(self.hub.store().confirm_token(&origin.origin, present)).unwrap();
        }
        let mut token = [0; 32];
        token[..8].copy_from_slice(&self.chance.number().to_be_bytes());
        block_on(self.hub.store().rotate_token(&self.sides[i].origin, token)).unwrap();
        if self.chance.below(2) == 0 {
            self.sides[i].token = token;
        }
    }
}
