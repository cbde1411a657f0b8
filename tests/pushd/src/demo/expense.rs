//! One expense: whose turn it is, what was decided by whom, and the messages that say so. Pure.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::words::{Claim, Language, Verdict, Words};
use super::{APPROVERS, action_url, draft};
use crate::random_token;
use crate::records::{Action, Draft, State};

/// Expenses under way, by id. The lock is held while a step sends its messages, so that two clicks
/// are two steps.
#[derive(Default)]
pub(super) struct Expenses(Mutex<BTreeMap<String, Expense>>);

impl Expenses {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Expense>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Expense {
    pub(super) id: String,
    pub(super) claim: Claim,
    language: Language,
    /// In the order of the approvers.
    decisions: Vec<Decision>,
}

struct Decision {
    approver: String,
    verdict: Verdict,
    /// The `Idempotency-Key` it was made with.
    key: Option<Vec<u8>>,
}

/// What a decision would be now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the caller's to make.
    Open,
    /// The caller has made it with the same key: the answer was lost.
    Repeated,
}

/// Why a decision cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotNow {
    #[error("{approver} has {verdict} this already")]
    Decided { approver: String, verdict: &'static str },
    #[error("this is for {0} to decide")]
    OtherPerson(String),
    #[error("this message does not belong to the expense")]
    UnknownMessage,
}

impl Expense {
    pub(super) fn new(by: String, what: String, amount: String, language: Language) -> Self {
        Self { id: random_token(4), claim: Claim { by, what, amount }, language, decisions: Vec::new() }
    }

    pub(super) fn waits_for(&self) -> Option<&'static str> {
        let is_rejected = self.decisions.iter().any(|decision| decision.verdict == Verdict::Rejected);
        if is_rejected { None } else { APPROVERS.get(self.decisions.len()).copied() }
    }

    /// Whether `caller` may decide now. `message` is the request they answer; without it, theirs.
    pub(super) fn step(
        &self,
        caller: &str,
        message: Option<&str>,
        verdict: Verdict,
        key: Option<&[u8]>,
    ) -> Result<Step, NotNow> {
        let asked = match message {
            None => caller,
            Some(message) => APPROVERS
                .into_iter()
                .find(|approver| self.request_id(approver) == message)
                .ok_or(NotNow::UnknownMessage)?,
        };
        if let Some(made) = self.decisions.iter().find(|decision| decision.approver == asked) {
            let is_same = made.approver == caller && made.verdict == verdict && key.is_some();
            if is_same && made.key.as_deref() == key {
                return Ok(Step::Repeated);
            }
            return Err(made.into());
        }
        match (self.waits_for(), self.decisions.last()) {
            (Some(person), _) if person == caller && person == asked => Ok(Step::Open),
            (Some(person), _) => Err(NotNow::OtherPerson(person.to_owned())),
            (None, Some(last)) => Err(last.into()),
            (None, None) => Err(NotNow::UnknownMessage),
        }
    }

    /// Notes a decision that [`Self::step`] has allowed.
    pub(super) fn decide(&mut self, approver: &str, verdict: Verdict, key: Option<&[u8]>) {
        self.decisions.push(Decision { approver: approver.to_owned(), verdict, key: key.map(<[u8]>::to_vec) });
    }

    fn draft(&self, id: String, words: Words) -> Draft {
        Draft { id: Some(id), ..draft("expense", words) }
    }

    /// The request to `approver`. Its id is the step's, so that the decision can edit it.
    pub(super) fn request(&self, approver: &str, http: &str) -> Draft {
        let (approve, reject, sure) = self.language.buttons(&self.claim);
        let action = |verdict: Verdict, label: &str, confirm: Option<String>| Action {
            id: verdict.action().to_owned(),
            label: label.to_owned(),
            url: format!("{}/{}/{}", action_url(http), self.id, verdict.action()),
            method: Some("POST".to_owned()),
            confirm: confirm.map(Into::into),
        };
        Draft {
            url: Some(format!("{http}/demo")),
            priority: Some("high".into()),
            state: Some(State::Open),
            actions: Some(vec![
                action(Verdict::Approved, approve, None),
                action(Verdict::Rejected, reject, Some(sure)),
            ]),
            ..self.draft(self.request_id(approver), self.language.request(&self.claim))
        }
    }

    /// What takes the request back.
    pub(super) fn decided(&self, approver: &str, verdict: Verdict) -> Draft {
        let words = self.language.decided(verdict, approver, &self.claim);
        Draft { state: Some(State::Decided), ..self.draft(self.request_id(approver), words) }
    }

    /// What the person who filed it is told in the end.
    pub(super) fn outcome(&self, approver: &str, verdict: Verdict) -> Draft {
        self.draft(format!("expense-{}-outcome", self.id), self.language.outcome(verdict, approver, &self.claim))
    }

    fn request_id(&self, approver: &str) -> String {
        format!("expense-{}-{approver}", self.id)
    }
}

impl From<&Decision> for NotNow {
    fn from(Decision { approver, verdict, .. }: &Decision) -> Self {
        let verdict = match verdict {
            Verdict::Approved => "approved",
            Verdict::Rejected => "rejected",
        };
        Self::Decided { approver: approver.clone(), verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Approved, Rejected};

    fn expense() -> Expense {
        Expense::new("employee".to_owned(), "Taxi".to_owned(), "1 EUR".to_owned(), Language::default())
    }

    #[test]
    fn a_decision_is_made_once_and_its_repetition_is_recognised_by_the_key() {
        let mut expense = expense();
        let message = expense.request_id("supervisor");
        let step = |expense: &Expense, caller, verdict, key| expense.step(caller, Some(&message), verdict, key);
        let key = Some(b"k1".as_slice());
        assert_eq!(step(&expense, "supervisor", Approved, key), Ok(Step::Open));
        expense.decide("supervisor", Approved, key);
        assert_eq!(step(&expense, "supervisor", Approved, key), Ok(Step::Repeated));
        let decided = Err(NotNow::Decided { approver: "supervisor".to_owned(), verdict: "approved" });
        assert_eq!(step(&expense, "supervisor", Approved, Some(b"k2")), decided);
        assert_eq!(step(&expense, "supervisor", Approved, None), decided);
        assert_eq!(step(&expense, "supervisor", Rejected, key), decided, "another decision");
        assert_eq!(step(&expense, "manager", Approved, key), decided, "another person");
    }

    #[test]
    fn only_the_person_whose_turn_it_is_decides_and_only_on_their_message() {
        let mut expense = expense();
        let other = |person: &str| Err(NotNow::OtherPerson(person.to_owned()));
        assert_eq!(expense.step("manager", None, Approved, None), other("supervisor"));
        assert_eq!(expense.step("employee", None, Approved, None), other("supervisor"));
        let managers = expense.request_id("manager");
        assert_eq!(expense.step("supervisor", Some(&managers), Approved, None), other("supervisor"));
        assert_eq!(expense.step("supervisor", Some("x"), Approved, None), Err(NotNow::UnknownMessage));
        expense.decide("supervisor", Rejected, None);
        let rejected = Err(NotNow::Decided { approver: "supervisor".to_owned(), verdict: "rejected" });
        assert_eq!(expense.step("manager", None, Approved, None), rejected);
        assert_eq!(expense.waits_for(), None);
    }
}
