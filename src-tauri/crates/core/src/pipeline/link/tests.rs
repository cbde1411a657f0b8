//! The link's life, step by step, on a clock that the test moves.

use rand::{SeedableRng as _, rngs::SmallRng};

use super::*;
use crate::pipeline::backoff::STABLE_SESSION;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    link: Link,
    now: Now,
    rng: SmallRng,
}

impl World {
    fn new(endpoints: usize) -> Self {
        let now = Now::any();
        Self { link: Link::new(endpoints, 2 * SECOND, now), now, rng: SmallRng::seed_from_u64(1) }
    }

    fn raw() -> Self {
        let mut world = Self::new(1);
        world.link = Link::new(1, 2 * SECOND, world.now).speaking(Protocol::Websocket, false);
        world
    }

    fn step(&mut self, input: LinkInput) -> Vec<LinkAction> {
        self.link.step(input, self.now, &mut self.rng)
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += jiff::SignedDuration::try_from(time).unwrap();
    }

    /// Moves to the link's deadline and ticks.
    fn tick(&mut self) -> Vec<LinkAction> {
        let until = self.link.poll_timeout().unwrap();
        self.pass(until.saturating_duration_since(self.now.mono));
        self.step(LinkInput::Tick)
    }

    fn connect(&mut self) -> Generation {
        self.step(LinkInput::Connect);
        self.establish()
    }

    fn establish(&mut self) -> Generation {
        let generation = self.link.generation();
        self.step(LinkInput::Opened(generation));
        self.step(LinkInput::Established(generation));
        self.step(LinkInput::CaughtUp(generation));
        assert_eq!(*self.link.state(), LinkState::Live);
        generation
    }

    fn close_with(&mut self, fault: Fault) -> Vec<LinkAction> {
        let generation = self.link.generation();
        self.step(LinkInput::Lost(generation, Failure::new(fault, "test")))
    }

    fn endpoint_opened(actions: &[LinkAction]) -> usize {
        match actions {
            [LinkAction::Open { endpoint, .. }] => *endpoint,
            other => panic!("not one attempt: {other:?}"),
        }
    }
}

#[test]
fn a_lost_session_is_tried_again_within_the_spread_and_then_ever_more_slowly() {
    let mut world = World::new(1);
    world.connect();
    world.pass(STABLE_SESSION);
    assert_eq!(world.close_with(Fault::Closed), []);
    let lost = world.now.mono;
    assert!(world.link.poll_timeout().unwrap() - lost <= 2 * SECOND);
    let mut attempts = 0;
    while world.now.mono - lost < 300 * SECOND {
        World::endpoint_opened(&world.tick());
        assert_eq!(world.close_with(Fault::Unreachable), []);
        attempts += 1;
    }
    assert!((20..60).contains(&attempts), "{attempts} attempts in five minutes");
}

#[test]
fn what_an_earlier_connection_says_changes_nothing() {
    let mut world = World::new(1);
    let old = world.connect();
    world.close_with(Fault::Closed);
    world.tick();
    let state = world.link.state().clone();
    for stale in [
        LinkInput::Opened(old),
        LinkInput::Established(old),
        LinkInput::CaughtUp(old),
        LinkInput::Lost(old, Failure::new(Fault::Closed, "late")),
    ] {
        assert_eq!(world.step(stale), []);
        assert_eq!(*world.link.state(), state);
    }
}

#[test]
fn the_endpoints_are_tried_in_turn_and_another_known_good_one_at_once() {
    let mut world = World::new(3);
    assert_eq!(World::endpoint_opened(&world.step(LinkInput::Connect)), 0);
    for expected in [1, 2, 0, 1] {
        world.close_with(Fault::Unreachable);
        assert_eq!(World::endpoint_opened(&world.tick()), expected);
    }
    world.establish();
    world.close_with(Fault::Closed);
    assert_eq!(World::endpoint_opened(&world.tick()), 0, "the first is preferred when an outage begins");
    world.establish();
    world.pass(SUSPICIOUSLY_SHORT);
    assert_eq!(
        World::endpoint_opened(&world.close_with(Fault::Closed)),
        1,
        "the second was good, so it is tried at once"
    );
}

/// Endpoint 0 is lost and refuses, 1 works; then 0 is back or not.
#[test]
fn an_endpoint_that_failed_while_another_one_worked_is_known_good_only_when_it_has_worked_again() {
    let mut world = World::new(2);
    world.connect();
    world.pass(STABLE_SESSION);
    world.close_with(Fault::Broken);
    assert_eq!(World::endpoint_opened(&world.tick()), 0);
    world.close_with(Fault::Unreachable);
    assert_eq!(World::endpoint_opened(&world.tick()), 1);
    world.establish();
    world.pass(STABLE_SESSION);
    assert_eq!(world.close_with(Fault::Broken), [], "0 refused while 1 worked: no attempt at once");
    assert_eq!(World::endpoint_opened(&world.tick()), 0);
    world.establish();
    for expected in [1, 0, 1] {
        world.pass(STABLE_SESSION);
        assert_eq!(World::endpoint_opened(&world.close_with(Fault::Broken)), expected, "both have worked");
        world.establish();
    }
}

#[test]
fn an_outage_of_the_network_does_not_make_an_endpoint_forgotten_that_worked() {
    let mut world = World::new(2);
    world.connect();
    world.pass(STABLE_SESSION);
    world.close_with(Fault::Broken);
    world.tick();
    world.close_with(Fault::Unreachable);
    world.tick();
    world.establish();
    world.pass(STABLE_SESSION);
    world.close_with(Fault::Broken);
    world.tick();
    world.establish();
    world.pass(STABLE_SESSION);
    // Both are known good now; then nothing can be reached for a while.
    assert_eq!(World::endpoint_opened(&world.close_with(Fault::Silent)), 1);
    for expected in [0, 1, 0] {
        world.close_with(Fault::Unreachable);
        assert_eq!(World::endpoint_opened(&world.tick()), expected);
    }
    world.establish();
    world.pass(STABLE_SESSION);
    assert_eq!(World::endpoint_opened(&world.close_with(Fault::Broken)), 1);
}

#[test]
fn two_endpoints_that_drop_a_session_as_soon_as_it_stands_are_not_tried_in_a_circle() {
    let mut world = World::new(2);
    world.connect();
    world.pass(SUSPICIOUSLY_SHORT);
    world.close_with(Fault::Broken);
    world.tick();
    world.close_with(Fault::Unreachable);
    world.tick();
    world.establish();
    let mut waits = Vec::new();
    for _ in 0..10 {
        assert_eq!(world.close_with(Fault::Broken), [], "{:?}", world.link.state());
        let before = world.now.mono;
        world.tick();
        waits.push(world.now.mono - before);
        world.establish();
    }
    assert!(waits.iter().skip(1).all(|wait| *wait >= SECOND / 2), "{waits:?}");
}

#[test]
fn a_refused_token_is_looked_for_again_once_and_then_a_person_is_asked() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh]);
    World::endpoint_opened(&world.step(LinkInput::Refreshed(Refreshed::Newer)));
    assert_eq!(world.close_with(Fault::Refused), []);
    assert!(matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_))));
    assert_eq!(world.link.poll_timeout(), None, "a sign-in failure is not retried");
    assert_eq!(world.step(LinkInput::NetworkChanged), []);
    World::endpoint_opened(&world.step(LinkInput::SignedIn));
    world.establish();
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh], "after a new sign-in");
    World::endpoint_opened(&world.step(LinkInput::Refreshed(Refreshed::Newer)));
    world.establish();
    world.pass(SUSPICIOUSLY_SHORT);
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh], "a session that worked earns another look");
    assert_eq!(world.step(LinkInput::Refreshed(Refreshed::Same)), []);
    assert!(matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_))));
}

#[test]
fn a_new_token_that_is_refused_as_soon_as_its_session_stands_is_not_bought_again_and_again() {
    let mut world = World::new(1);
    world.connect();
    world.pass(SUSPICIOUSLY_SHORT);
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh]);
    World::endpoint_opened(&world.step(LinkInput::Refreshed(Refreshed::Newer)));
    world.establish();
    assert_eq!(world.close_with(Fault::Refused), []);
    assert!(matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_))));
}

#[test]
fn a_token_that_cannot_be_bought_now_is_asked_for_again_and_a_wrong_password_is_not() {
    let mut world = World::new(1);
    world.connect();
    world.pass(SUSPICIOUSLY_SHORT);
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh]);
    let down = Failure::new(Fault::Unreachable, "the login server");
    assert_eq!(world.step(LinkInput::Refreshed(Refreshed::Failed(down.clone()))), []);
    assert!(matches!(world.link.state(), LinkState::Waiting { failure, .. } if *failure == down));
    World::endpoint_opened(&world.tick());
    assert_eq!(world.close_with(Fault::Password), []);
    assert!(matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_))));
    assert_eq!(world.link.poll_timeout(), None, "a wrong password is not sent again by itself");
}

#[test]
fn an_answer_about_the_token_that_comes_after_the_attempt_was_given_up_changes_nothing() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    assert_eq!(world.close_with(Fault::Refused), [LinkAction::Refresh]);
    world.tick();
    let state = world.link.state().clone();
    assert!(matches!(state, LinkState::Waiting { .. }), "{state:?}");
    assert_eq!(world.step(LinkInput::Refreshed(Refreshed::Same)), []);
    assert_eq!(*world.link.state(), state);
}

#[test]
fn a_session_that_dies_right_after_its_subscriptions_is_configuration_after_three_times() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    for _ in 0..2 {
        world.establish();
        world.close_with(Fault::Closed);
        assert!(matches!(world.link.state(), LinkState::Waiting { .. }));
        world.tick();
    }
    world.establish();
    world.close_with(Fault::Closed);
    let LinkState::Stopped(StopReason::Halted { failure, retry }) = world.link.state().clone() else { panic!() };
    assert_eq!(failure.fault, Fault::Died);
    assert_eq!(retry - world.now.mono, HALTED_RETRY, "tried again, but slowly");
    World::endpoint_opened(&world.tick());
}

#[test]
fn a_line_that_breaks_however_often_and_soon_is_the_network() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    for _ in 0..10 {
        world.establish();
        world.close_with(Fault::Broken);
        assert!(matches!(world.link.state(), LinkState::Waiting { .. }));
        world.tick();
    }
}

#[test]
fn an_attempt_without_an_answer_is_given_up() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    let generation = world.link.generation();
    assert_eq!(world.tick(), [LinkAction::Close { generation, polite: false }]);
    assert!(matches!(world.link.state(), LinkState::Waiting { .. }));
    world.tick();
    world.step(LinkInput::Opened(world.link.generation()));
    let generation = world.link.generation();
    assert_eq!(world.tick(), [LinkAction::Close { generation, polite: false }]);
}

#[test]
fn retry_after_and_a_network_that_comes_up_override_the_schedule() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    let generation = world.link.generation();
    let busy = Failure { retry_after: Some(90 * SECOND), ..Failure::new(Fault::Status(503), "busy") };
    world.step(LinkInput::Lost(generation, busy));
    assert_eq!(world.link.poll_timeout().unwrap() - world.now.mono, 90 * SECOND);
    World::endpoint_opened(&world.step(LinkInput::NetworkChanged));
}

#[test]
fn a_wake_up_probes_a_session_and_replaces_an_attempt() {
    let mut world = World::new(1);
    let generation = world.connect();
    assert_eq!(world.step(LinkInput::Woke), [LinkAction::Probe(generation)]);
    world.close_with(Fault::Silent);
    world.tick();
    let stuck = world.link.generation();
    let actions = world.step(LinkInput::Woke);
    assert!(matches!(
        actions.as_slice(),
        [LinkAction::Close { generation, polite: false }, LinkAction::Open { .. }] if *generation == stuck
    ));
}

#[test]
fn a_person_may_disconnect_in_the_middle_of_a_back_off_and_connect_again() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    world.close_with(Fault::Unreachable);
    assert_eq!(world.step(LinkInput::Disconnect), []);
    assert_eq!((world.link.state().clone(), world.link.poll_timeout()), (LinkState::Off, None));
    assert_eq!(world.step(LinkInput::TryNow), []);
    World::endpoint_opened(&world.step(LinkInput::Connect));
    let generation = world.establish();
    assert_eq!(world.step(LinkInput::Disconnect), [LinkAction::Close { generation, polite: true }]);
}

#[test]
fn the_api_is_polled_after_two_failed_attempts_and_no_longer_than_needed() {
    let mut world = World::new(1);
    world.step(LinkInput::Connect);
    world.close_with(Fault::Unreachable);
    assert!(!world.link.wants_polling());
    world.tick();
    world.close_with(Fault::Unreachable);
    assert!(world.link.wants_polling() && !world.link.is_polling());
    world.step(LinkInput::Polled { ok: true });
    assert!(matches!(world.link.state(), LinkState::Polling { .. }));
    World::endpoint_opened(&world.tick());
    assert!(world.link.is_polling(), "an attempt does not interrupt what people see");
    world.establish();
    assert!(!world.link.wants_polling());
}

#[test]
fn an_outage_begins_once_however_many_attempts_it_takes() {
    let mut world = World::new(1);
    world.connect();
    world.pass(100 * SECOND);
    world.close_with(Fault::Closed);
    let since = world.link.since();
    for _ in 0..5 {
        world.tick();
        world.close_with(Fault::Unreachable);
        assert_eq!(world.link.since(), since);
    }
    world.tick();
    world.establish();
    assert_eq!(world.link.since(), world.now.wall);
}

fn is_asking(world: &World) -> bool {
    matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_)))
}

#[test]
fn a_server_that_restarts_is_tried_again_however_soon_it_closes() {
    let mut world = World::new(1);
    world.connect();
    let began = world.now.mono;
    while world.now.mono - began < 11 * 60 * SECOND {
        world.close_with(Fault::Restarting);
        let LinkState::Waiting { failure, until, .. } = world.link.state() else { panic!("{:?}", world.link.state()) };
        assert_eq!((failure.fault, failure.detail.as_str()), (Fault::Restarting, "test"));
        assert!(*until - world.now.mono <= 20 * SECOND);
        world.tick();
        world.establish();
    }
}

#[test]
fn a_secret_that_was_accepted_before_is_tried_again_every_15_minutes_while_a_person_is_asked() {
    let mut world = World::new(1);
    world.connect();
    world.pass(SUSPICIOUSLY_SHORT);
    world.close_with(Fault::Refused);
    world.step(LinkInput::Refreshed(Refreshed::Same));
    let since = world.link.since();
    for ends_with in [Fault::Refused, Fault::Unreachable, Fault::Status(403), Fault::Refused] {
        assert!(is_asking(&world), "{:?}", world.link.state());
        let before = world.now.mono;
        World::endpoint_opened(&world.tick());
        assert_eq!(world.now.mono - before, REFUSED_RETRY);
        assert!(world.link.refused().is_some() && !world.link.wants_polling());
        if world.close_with(ends_with) == [LinkAction::Refresh] {
            world.step(LinkInput::Refreshed(Refreshed::Same));
        }
        assert_eq!((world.link.since(), world.link.refused()), (since, None), "the person sees no change");
    }
    World::endpoint_opened(&world.tick());
    world.establish();
    assert!(world.link.refused().is_none() && world.link.since() > since);
}

#[test]
fn a_password_that_was_refused_and_a_secret_that_was_never_accepted_are_not_tried_again() {
    let mut world = World::new(1);
    world.connect();
    world.pass(SUSPICIOUSLY_SHORT);
    world.close_with(Fault::Refused);
    world.step(LinkInput::Refreshed(Refreshed::Failed(Failure::new(Fault::Password, ""))));
    assert!(is_asking(&world) && world.link.poll_timeout().is_none());
    world.step(LinkInput::SignedIn);
    world.close_with(Fault::Status(403));
    assert!(is_asking(&world) && world.link.poll_timeout().is_none(), "this one was never accepted");
}

#[test]
fn a_raw_websocket_that_is_closed_at_once_three_times_needs_a_sign_in() {
    let mut world = World::raw();
    world.connect();
    for _ in 0..2 {
        assert_eq!(world.close_with(Fault::Closed), []);
        assert!(matches!(world.link.state(), LinkState::Waiting { .. }), "{:?}", world.link.state());
        world.tick();
        world.establish();
    }
    assert_eq!(world.close_with(Fault::Closed), [LinkAction::Refresh]);
    world.step(LinkInput::Refreshed(Refreshed::Same));
    let LinkState::Stopped(StopReason::SignIn(failure)) = world.link.state() else {
        panic!("{:?}", world.link.state())
    };
    assert_eq!(failure.fault, Fault::Refused, "people see a refused sign-in");
    assert_eq!(world.link.poll_timeout(), None, "the server never accepted it, so it is not tried again");
}

#[test]
fn a_newer_token_of_a_raw_websocket_is_tried_once() {
    let mut world = World::raw();
    world.connect();
    for _ in 0..2 {
        world.close_with(Fault::Closed);
        world.tick();
        world.establish();
    }
    assert_eq!(world.close_with(Fault::Closed), [LinkAction::Refresh]);
    assert_eq!(World::endpoint_opened(&world.step(LinkInput::Refreshed(Refreshed::Newer))), 0);
    world.establish();
    assert_eq!(world.close_with(Fault::Closed), []);
    assert!(matches!(world.link.state(), LinkState::Stopped(StopReason::SignIn(_))), "{:?}", world.link.state());
}

#[test]
fn a_raw_websocket_that_restarts_breaks_or_lives_longer_is_only_opened_again() {
    for (fault, lived) in
        [(Fault::Restarting, Duration::ZERO), (Fault::Broken, Duration::ZERO), (Fault::Closed, SUSPICIOUSLY_SHORT)]
    {
        let mut world = World::raw();
        world.connect();
        for _ in 0..6 {
            world.pass(lived);
            assert_eq!(world.close_with(fault), [], "{fault:?}");
            world.tick();
            world.establish();
        }
    }
}

#[test]
fn a_raw_websocket_that_stayed_open_has_accepted_the_token() {
    let mut world = World::raw();
    world.connect();
    assert!(!world.link.is_accepted());
    world.pass(SUSPICIOUSLY_SHORT);
    world.close_with(Fault::Broken);
    assert!(world.link.is_accepted());
    world.tick();
    world.close_with(Fault::Status(403));
    assert!(world.link.refused_retry().is_some());
}

mod tokens {
    use super::*;
    use crate::{
        pipeline::link::{OLD_SESSION_GRACE, RENEWAL_RETRY},
        token_life::TokenLife,
    };

    /// A session with a token that is good for 20 s from now.
    fn with_token(overlap: bool, is_renewable: bool) -> (World, Generation) {
        let mut world = World::new(1);
        world.link = Link::new(1, 2 * SECOND, world.now).speaking(Protocol::Stomp, overlap);
        let generation = world.connect();
        world.issue(generation, is_renewable);
        (world, generation)
    }

    impl World {
        fn issue(&mut self, generation: Generation, is_renewable: bool) {
            let expires = self.now.wall + 20 * SECOND;
            let life = TokenLife::new(self.now.wall, expires, is_renewable);
            assert_eq!(self.step(LinkInput::Token(generation, Some(life))), []);
        }

        /// Waits for the next timer, and takes what it says.
        fn next(&mut self) -> (Duration, Vec<LinkAction>) {
            let due = self.link.poll_timeout().unwrap();
            let after = due.saturating_duration_since(self.now.mono);
            self.pass(after);
            (after, self.tick())
        }

        fn renewed(&mut self) -> Generation {
            let actions = self.step(LinkInput::Renewed(Refreshed::Newer));
            let Some(LinkAction::Open { generation, endpoint: 0 }) = actions.last() else { panic!("{actions:?}") };
            *generation
        }
    }

    #[test]
    fn a_session_on_a_queue_ends_before_the_next_one_begins_with_the_new_token() {
        let (mut world, old) = with_token(false, true);
        assert_eq!(world.next(), (10 * SECOND, vec![LinkAction::Renew]));
        let actions = world.step(LinkInput::Renewed(Refreshed::Newer));
        let new = world.link.generation();
        let close = LinkAction::Close { generation: old, polite: true };
        assert_eq!(actions, [close, LinkAction::Open { generation: new, endpoint: 0 }]);
        assert!(new > old && !world.link.has_session());
    }

    #[test]
    fn a_transient_session_stays_until_the_next_one_has_subscribed_and_a_moment_longer() {
        let (mut world, old) = with_token(true, true);
        let mut current = old;
        for _ in 0..3 {
            assert_eq!(world.next(), (10 * SECOND, vec![LinkAction::Renew]));
            let new = world.renewed();
            world.issue(new, true);
            assert!(world.link.has_session() && world.link.generation() == current);
            world.step(LinkInput::Opened(new));
            assert_eq!(world.step(LinkInput::Established(new)), []);
            assert!(world.link.has_session() && world.link.generation() == new);
            let close = LinkAction::Close { generation: current, polite: true };
            assert_eq!(world.next(), (OLD_SESSION_GRACE, vec![close]));
            // The next renewal is due 10 s after this token was issued.
            world.issue(new, true);
            current = new;
        }
    }

    #[test]
    fn a_renewal_that_fails_for_now_is_tried_again_and_one_that_is_refused_asks_once() {
        let (mut world, old) = with_token(true, true);
        assert_eq!(world.next().1, [LinkAction::Renew]);
        let failed = |fault| LinkInput::Renewed(Refreshed::Failed(Failure::new(fault, "")));
        assert_eq!(world.step(failed(Fault::Unreachable)), []);
        assert_eq!(world.next(), (RENEWAL_RETRY, vec![LinkAction::Renew]));
        let close = LinkAction::Close { generation: old, polite: true };
        assert_eq!(world.step(failed(Fault::Password)), [close]);
        assert!(is_asking(&world));
        assert_eq!(world.link.poll_timeout(), None, "nothing is tried without the person");
    }

    #[test]
    fn a_token_that_cannot_be_renewed_is_put_to_the_server_once_when_it_expires() {
        for overlap in [false, true] {
            let (mut world, old) = with_token(overlap, false);
            let (after, actions) = world.next();
            let new = world.link.generation();
            let close = LinkAction::Close { generation: old, polite: true };
            assert_eq!((after, actions), (20 * SECOND, vec![close, LinkAction::Open { generation: new, endpoint: 0 }]));
            let life = TokenLife::new(world.now.wall, world.now.wall, false);
            world.step(LinkInput::Token(new, Some(life)));
            world.step(LinkInput::Opened(new));
            // The server accepts it, so the clock is wrong: that was the one time.
            let mut accepted = World { link: world.link, ..World::new(1) };
            accepted.now = world.now;
            accepted.step(LinkInput::Established(new));
            assert_eq!(accepted.link.poll_timeout(), None);
            // The server refuses it: a person is asked once.
            let lost = LinkInput::Lost(new, Failure::new(Fault::Refused, ""));
            assert_eq!(accepted.step(lost), [LinkAction::Refresh]);
            let expired = Refreshed::Failed(Failure::new(Fault::Expired, ""));
            assert_eq!(accepted.step(LinkInput::Refreshed(expired)), []);
            assert!(is_asking(&accepted));
            assert_eq!(accepted.link.poll_timeout(), None);
        }
    }

    #[test]
    fn a_session_that_is_lost_while_the_next_one_opens_is_replaced_by_it() {
        let (mut world, old) = with_token(true, true);
        world.next();
        let new = world.renewed();
        world.step(LinkInput::Opened(new));
        assert_eq!(world.step(LinkInput::Lost(old, Failure::new(Fault::Broken, ""))), []);
        assert!(!world.link.has_session() && world.link.generation() == new);
        world.step(LinkInput::Established(new));
        assert!(world.link.has_session());
    }

    #[test]
    fn a_next_connection_that_fails_leaves_the_session_alone_until_its_token_expires() {
        let (mut world, old) = with_token(true, true);
        world.next();
        let new = world.renewed();
        assert_eq!(world.step(LinkInput::Lost(new, Failure::new(Fault::Unreachable, ""))), []);
        assert!(world.link.has_session() && world.link.generation() == old);
        assert_eq!(world.next(), (RENEWAL_RETRY, vec![LinkAction::Renew]));
        let second = world.renewed();
        assert_eq!(world.step(LinkInput::Lost(second, Failure::new(Fault::Refused, ""))), []);
        assert!(world.link.has_session());
        let (after, actions) = world.next();
        assert_eq!((after, actions.len()), (5 * SECOND, 2), "the rest of the 20 s");
    }

    #[test]
    fn a_wake_up_after_the_expiry_replaces_the_session_though_the_monotonic_clock_has_stood_still() {
        let (mut world, old) = with_token(false, true);
        world.now.wall += 3_600 * SECOND;
        let actions = world.step(LinkInput::Woke);
        assert_eq!(actions.first(), Some(&LinkAction::Close { generation: old, polite: true }));
        assert!(!world.link.has_session());
    }

    #[test]
    fn disconnecting_closes_every_connection() {
        let (mut world, old) = with_token(true, true);
        world.next();
        let new = world.renewed();
        let actions = world.step(LinkInput::Disconnect);
        let close = |generation, polite| LinkAction::Close { generation, polite };
        assert_eq!(actions, [close(new, false), close(old, true)]);
        assert_eq!(world.link.poll_timeout(), None);
    }
}
