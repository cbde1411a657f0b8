//! Which endpoint is used, which one is tried next, and which ones are known to work.
//!
//! Deliberately absent: when to try. Invariant: an endpoint that failed while another one worked is
//! not known to work until it does again. A failure while none worked says nothing about an
//! endpoint: it was the network.

#[derive(Debug)]
pub(super) struct Endpoints {
    list: Vec<Endpoint>,
    current: usize,
    next: usize,
}

#[derive(Debug, Clone, Default)]
struct Endpoint {
    is_good: bool,
    /// It has failed since the last session.
    has_failed: bool,
}

impl Endpoints {
    /// So many, at least one, of which nothing is known.
    pub(super) fn new(count: usize) -> Self {
        Self { list: vec![Endpoint::default(); count.max(1)], current: 0, next: 0 }
    }

    /// The one in use, or tried last.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// The one to be tried after a wait.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// An attempt is made.
    pub(super) fn handle_attempt(&mut self, endpoint: usize) {
        self.current = endpoint;
    }

    /// The attempt has become a session.
    pub(super) fn handle_established(&mut self) {
        let was_network = self.list.get(self.current).is_some_and(|endpoint| endpoint.has_failed);
        for (index, endpoint) in self.list.iter_mut().enumerate() {
            endpoint.is_good = index == self.current || endpoint.is_good && (was_network || !endpoint.has_failed);
            endpoint.has_failed = false;
        }
    }

    /// The session was lost: when an outage begins the first endpoint is tried first.
    pub(super) fn handle_session_lost(&mut self) {
        self.next = 0;
    }

    /// The attempt has failed: during an outage the endpoints are tried in turn.
    pub(super) fn handle_attempt_failed(&mut self) {
        if let Some(endpoint) = self.list.get_mut(self.current) {
            endpoint.has_failed = true;
        }
        self.next = (self.current + 1) % self.list.len();
    }

    /// Another one that is known to work.
    pub(super) fn other_good(&self) -> Option<usize> {
        let mut good = self.list.iter().enumerate().filter(|(_, endpoint)| endpoint.is_good);
        good.find_map(|(index, _)| (index != self.current).then_some(index))
    }
}
