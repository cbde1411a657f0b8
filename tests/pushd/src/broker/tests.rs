use super::*;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

struct Client {
    session: SessionId,
    inbox: UnboundedReceiver<Delivery>,
}

impl Client {
    fn join(broker: &mut Broker, session: SessionId, login: &str) -> Self {
        let (outbox, inbox) = unbounded_channel();
        broker.join(session, login, outbox);
        Self { session, inbox }
    }

    fn subscribe(&self, broker: &mut Broker, id: &str, text: &str, change: impl FnOnce(&mut Subscribe)) {
        broker.subscribe(self.session, subscribe(id, text, change)).unwrap();
    }

    /// What has arrived, as (tag, body, redelivered).
    fn received(&mut self) -> Vec<(Tag, String, bool)> {
        std::iter::from_fn(|| self.inbox.try_recv().ok())
            .map(|one| (one.tag, String::from_utf8(one.message.body.to_vec()).unwrap(), one.redelivered))
            .collect()
    }

    fn bodies(&mut self) -> Vec<String> {
        self.received().into_iter().map(|(_, body, _)| body).collect()
    }
}

fn subscribe(id: &str, text: &str, change: impl FnOnce(&mut Subscribe)) -> Subscribe {
    let mut subscribe = Subscribe {
        id: id.to_owned(),
        destination: Destination::parse(text).unwrap(),
        text: text.to_owned(),
        mode: AckMode::ClientIndividual,
        prefetch: None,
        durable: None,
    };
    change(&mut subscribe);
    subscribe
}

fn message(body: &str) -> Message {
    Message { destination: String::new(), headers: Vec::new(), body: Bytes::from(body.to_owned()), record: None }
}

fn publish(broker: &mut Broker, text: &str, body: &str) {
    broker.publish(&Destination::parse(text).unwrap(), message(body));
}

fn durable(name: &str) -> impl FnOnce(&mut Subscribe) {
    |subscribe| subscribe.durable = Some(name.to_owned())
}

#[test]
fn a_topic_copies_to_every_match_and_a_queue_shares_out_in_turn() {
    let mut broker = Broker::default();
    let mut a = Client::join(&mut broker, 1, "alice");
    let mut b = Client::join(&mut broker, 2, "bob");
    for client in [&a, &b] {
        client.subscribe(&mut broker, "t", "/topic/news.*", |_| ());
        client.subscribe(&mut broker, "q", "/queue/work", |_| ());
    }
    publish(&mut broker, "/topic/news.it", "news");
    publish(&mut broker, "/topic/other", "not subscribed to");
    for n in 1..=4 {
        publish(&mut broker, "/queue/work", &n.to_string());
    }
    assert_eq!(a.bodies(), ["news", "1", "3"]);
    assert_eq!(b.bodies(), ["news", "2", "4"]);
}

#[test]
fn a_queue_keeps_messages_without_a_consumer_and_a_plain_topic_does_not() {
    let mut broker = Broker::default();
    publish(&mut broker, "/queue/work", "kept");
    publish(&mut broker, "/topic/t", "lost");
    let mut late = Client::join(&mut broker, 1, "bob");
    late.subscribe(&mut broker, "q", "/queue/work", |_| ());
    late.subscribe(&mut broker, "t", "/topic/t", |_| ());
    assert_eq!(late.received(), [(1, "kept".to_owned(), false)]);
}

#[test]
fn what_a_lost_session_did_not_acknowledge_comes_again_first_and_marked() {
    let mut broker = Broker::default();
    let mut first = Client::join(&mut broker, 1, "alice");
    first.subscribe(&mut broker, "q", "/queue/work", |subscribe| subscribe.prefetch = Some(3));
    for n in 1..=4 {
        publish(&mut broker, "/queue/work", &n.to_string());
    }
    assert_eq!(first.bodies(), ["1", "2", "3"], "prefetch");
    broker.done(1, 2).unwrap();
    assert_eq!(first.bodies(), ["4"]);
    broker.leave(1);

    let mut second = Client::join(&mut broker, 2, "alice");
    second.subscribe(&mut broker, "q", "/queue/work", |_| ());
    publish(&mut broker, "/queue/work", "5");
    let again = |n: &str| (n.to_owned(), true);
    let got: Vec<_> = second.received().into_iter().map(|(_, body, redelivered)| (body, redelivered)).collect();
    assert_eq!(got, [again("1"), again("3"), again("4"), ("5".to_owned(), false)]);
}

#[test]
fn a_durable_queue_collects_while_its_owner_is_away_until_it_is_forgotten() {
    let mut broker = Broker::default();
    let client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "t", "/topic/t", durable("belfry.alice.pc"));
    broker.leave(1);
    publish(&mut broker, "/topic/t", "missed");

    let mut client = Client::join(&mut broker, 2, "alice");
    client.subscribe(&mut broker, "t", "/topic/t", durable("belfry.alice.pc"));
    assert_eq!(client.received(), [(1, "missed".to_owned(), false)]);
    broker.unsubscribe(2, "t", true).unwrap();
    publish(&mut broker, "/topic/t", "after");
    client.subscribe(&mut broker, "t", "/topic/t", durable("belfry.alice.pc"));
    assert!(client.bodies().is_empty(), "the queue was deleted");
}

#[test]
fn another_persons_durable_queue_cannot_be_taken_from() {
    let mut broker = Broker::default();
    let alice = Client::join(&mut broker, 1, "alice");
    alice.subscribe(&mut broker, "t", "/topic/t", durable("q"));
    let _bob = Client::join(&mut broker, 2, "bob");
    let refused = broker.subscribe(2, subscribe("t", "/topic/t", durable("q")));
    assert_eq!(refused, Err(BrokerError::NotYourQueue("q".to_owned())));
}

#[test]
fn two_subscriptions_on_one_named_queue_get_each_message_once_between_them() {
    let mut broker = Broker::default();
    let mut client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "a", "/topic/a", durable("q"));
    client.subscribe(&mut broker, "b", "/topic/b.#", durable("q"));
    publish(&mut broker, "/topic/a", "1");
    publish(&mut broker, "/topic/b.x", "2");
    assert_eq!(client.bodies(), ["1", "2"]);
}

#[test]
fn ack_client_is_cumulative_within_its_subscription_and_individual_is_not() {
    let mut broker = Broker::default();
    let mut client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "c", "/topic/t", |subscribe| subscribe.mode = AckMode::Client);
    client.subscribe(&mut broker, "i", "/topic/t", |_| ());
    for n in 1..=2 {
        publish(&mut broker, "/topic/t", &n.to_string());
    }
    let tags = |client: &mut Client, id: &str| -> Vec<Tag> {
        std::iter::from_fn(|| client.inbox.try_recv().ok())
            .filter(|one| one.subscription == id)
            .map(|one| one.tag)
            .collect()
    };
    let of_c = tags(&mut client, "c");
    broker.done(1, of_c[1]).unwrap();
    assert_eq!(broker.done(1, of_c[0]), Err(BrokerError::UnknownDelivery), "done with the later one");
    let open: Vec<_> = (1..=4).filter(|tag| broker.is_in_flight(1, *tag)).collect();
    assert_eq!(open.len(), 2, "those of the other subscription");
    broker.done(1, open[1]).unwrap();
    assert!(broker.is_in_flight(1, open[0]));
}

#[test]
fn a_refused_message_comes_back_marked() {
    let mut broker = Broker::default();
    let mut client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "q", "/queue/work", |_| ());
    publish(&mut broker, "/queue/work", "1");
    assert_eq!(client.received(), [(1, "1".to_owned(), false)]);
    broker.refuse(1, 1).unwrap();
    assert_eq!(client.received(), [(2, "1".to_owned(), true)]);
    assert_eq!(broker.refuse(1, 1), Err(BrokerError::UnknownDelivery));
}

#[test]
fn ack_auto_takes_no_more_than_the_socket_takes() {
    let mut broker = Broker::default();
    let mut client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "t", "/topic/t", |subscribe| subscribe.mode = AckMode::Auto);
    for n in 0..AUTO_IN_FLIGHT + 5 {
        publish(&mut broker, "/topic/t", &n.to_string());
    }
    let first = client.received();
    assert_eq!(first.len(), AUTO_IN_FLIGHT);
    broker.done(1, first[0].0).unwrap();
    assert_eq!(client.bodies().len(), 1);
}

#[test]
fn a_record_reaches_each_session_once_on_the_right_subscription() {
    let mut broker = Broker::default();
    let mut both = Client::join(&mut broker, 1, "alice");
    let mut personal = Client::join(&mut broker, 2, "alice");
    let mut neither = Client::join(&mut broker, 3, "alice");
    let mut bob = Client::join(&mut broker, 4, "bob");
    both.subscribe(&mut broker, "b", "/topic/broadcast", |_| ());
    for client in [&both, &personal, &bob] {
        client.subscribe(&mut broker, "p", "/user/queue/a", |_| ());
        client.subscribe(&mut broker, "p2", "/user/queue/b", |_| ());
    }
    let broadcast = ("/topic/broadcast".to_owned(), Destination::parse("/topic/broadcast").unwrap());
    let at = |destination: &str| Message { destination: destination.to_owned(), ..message("") };
    broker.publish_record(&["alice".to_owned()], None, at);
    broker.publish_record(&["alice".to_owned()], Some(&broadcast), at);
    let on = |client: &mut Client| -> Vec<String> {
        std::iter::from_fn(|| client.inbox.try_recv().ok()).map(|one| one.message.destination.clone()).collect()
    };
    assert_eq!(on(&mut both), ["/user/queue/a", "/topic/broadcast"]);
    assert_eq!(on(&mut personal), ["/user/queue/a", "/user/queue/a"]);
    assert!(on(&mut neither).is_empty() && on(&mut bob).is_empty());
}

#[test]
fn an_ended_subscription_leaves_nothing_in_flight_and_its_id_is_free_again() {
    let mut broker = Broker::default();
    let mut client = Client::join(&mut broker, 1, "alice");
    client.subscribe(&mut broker, "s", "/topic/t", |_| ());
    let again = broker.subscribe(1, subscribe("s", "/topic/u", |_| ()));
    assert_eq!(again, Err(BrokerError::DuplicateSubscription("s".to_owned())));
    publish(&mut broker, "/topic/t", "1");
    broker.unsubscribe(1, "s", false).unwrap();
    let (tag, _, _) = client.received()[0].clone();
    assert!(!broker.is_in_flight(1, tag));
    assert_eq!(broker.unsubscribe(1, "s", false), Err(BrokerError::UnknownSubscription("s".to_owned())));
    client.subscribe(&mut broker, "s", "/topic/t", |_| ());
}
