//! The tokens of the simulated machine: looked for after a refusal, and renewed before they expire.

use belfry_core::{
    error::{Failure, Fault},
    pipeline::link::Refreshed,
    token_life::TokenLife,
};
use jiff::SignedDuration;

use crate::{server::true_time, world::World};

impl World<'_> {
    /// Looks for another token. With a password that takes a request to a server, which may be
    /// unreachable.
    pub(super) fn refresh(&mut self) -> Refreshed {
        if !self.has_network() || self.rng.happens(self.noise().lost_answers) {
            self.oracle.count("a token that cannot be had now");
            return Refreshed::Failed(Failure::new(Fault::Unreachable, "simulated"));
        }
        let is_newer = if self.faults.token_expired { self.faults.newer_token } else { self.rng.happens(50) };
        if !is_newer {
            let is_wrong = self.rng.happens(50);
            return if is_wrong {
                Refreshed::Failed(Failure::new(Fault::Password, "simulated"))
            } else {
                Refreshed::Same
            };
        }
        self.faults.token_expired = false;
        self.new_token();
        Refreshed::Newer
    }

    /// Requests a token before the one in memory expires.
    pub(super) fn renew(&mut self) -> Refreshed {
        if !self.has_network() || self.rng.happens(self.noise().lost_answers) {
            self.oracle.count("a token that cannot be renewed now");
            return Refreshed::Failed(Failure::new(Fault::Unreachable, "simulated"));
        }
        self.new_token();
        Refreshed::Newer
    }

    /// A token that was just issued.
    fn new_token(&mut self) {
        let life = self.plan.token_life.map(|seconds| seconds * 1_000_000);
        let expires = life.map(|life| self.now + life);
        if let Some(machine) = &mut self.machine {
            machine.token = expires;
        }
    }

    /// The token for a connection that is opened now: when it expires, in true time, and its life as
    /// the machine's clock has it.
    pub(crate) fn token(&mut self) -> Option<(u64, TokenLife)> {
        let life = self.plan.token_life? * 1_000_000;
        let expires = self.machine.as_ref()?.token;
        // As `Token::issued` does: half of its life is over, so another one is requested first.
        let expires = match expires.filter(|expires| *expires > self.now + life / 2) {
            Some(expires) => expires,
            None => {
                self.new_token();
                self.now + life
            }
        };
        let wall = |at: u64| true_time(at) + SignedDuration::from_micros(self.skew);
        Some((expires, TokenLife::new(wall(expires - life), wall(expires), true)))
    }
}
