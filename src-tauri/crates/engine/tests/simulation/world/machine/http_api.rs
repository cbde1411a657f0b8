//! The simulated HTTP API as the machine meets it: requests that arrive, arrive late or not at all,
//! and their answers.

use std::time::Duration;

use belfry_core::{
    error::{Failure, Fault},
    notice::NoticeKey,
    pipeline::{
        PipelineInput,
        catchup::{PageRequest, PassId},
    },
};

use super::{ANSWER_LIMIT, LONG_POLL_SECONDS, micros};
use crate::{
    oracle::{Verdict, item_of},
    plan::ApiFault,
    world::{Event, Local, World},
};

impl World<'_> {
    /// A request reaches the server or is lost. A request that timed out may still be served.
    pub(crate) fn serve(&mut self, process: u32, fetch: u64, pass: PassId, request: &PageRequest) {
        let is_given_up = process != self.process
            || self.machine.as_ref().is_none_or(|machine| !machine.waiting.contains_key(&fetch));
        if is_given_up {
            if self.rng.happens(50) {
                return;
            }
            self.oracle.count("a stray request served");
        }
        let after = self.latency();
        if !self.has_network() {
            let after = if self.faults.network.1 { micros(ANSWER_LIMIT) } else { after };
            return self.refuse(process, fetch, pass, Fault::Unreachable, None, after);
        }
        let lost = self.rng.happens(self.noise().lost_answers).then_some(ApiFault::Lost);
        let fault = self.faults.api.filter(|(until, _)| *until > self.now).map(|(_, how)| how).or(lost);
        let status = match fault {
            _ if self.faults.token_expired => Some((401, None)),
            Some(ApiFault::Unauthorized) => Some((401, None)),
            Some(ApiFault::Forbidden) => Some((403, None)),
            Some(ApiFault::TooMany) => Some((429, Some(Duration::from_secs(3)))),
            Some(ApiFault::Broken) => Some((500, None)),
            Some(ApiFault::NoHistory) if matches!(request, PageRequest::History { .. }) => Some((404, None)),
            Some(ApiFault::Truncated | ApiFault::Lost | ApiFault::NoHistory) | None => None,
        };
        if let Some((status, retry_after)) = status {
            if matches!(request, PageRequest::History { .. }) && matches!(status, 403 | 404) {
                self.server.refuse_history();
            }
            return self.refuse(process, fetch, pass, Fault::Status(status), retry_after, after);
        }
        let page = self.server.answer(request, self.now);
        match (fault, request) {
            (Some(ApiFault::Truncated), _) => self.refuse(process, fetch, pass, Fault::BadAnswer, None, after),
            (Some(ApiFault::Lost), _) => {
                self.oracle.count("a lost answer");
                self.refuse(process, fetch, pass, Fault::Unreachable, None, micros(ANSWER_LIMIT));
            }
            (_, PageRequest::Collect { after: cursor, wait: true }) if page.rows == 0 => {
                let request = PageRequest::Collect { after: cursor.clone(), wait: false };
                self.push(self.now + LONG_POLL_SECONDS * 1_000_000, Event::Request { process, fetch, pass, request });
            }
            _ => self.answer(
                process,
                fetch,
                after,
                PipelineInput::Page { pass, result: Ok(Box::new((page, Vec::new()))) },
            ),
        }
    }

    /// A request to delete a record reaches the server or is lost; so does the answer.
    pub(crate) fn serve_deletion(&mut self, process: u32, key: NoticeKey) -> Verdict {
        let mut after = self.latency();
        let fault = self.faults.api.filter(|(until, _)| *until > self.now).map(|(_, how)| how);
        let is_lost = fault == Some(ApiFault::Lost) || self.rng.happens(self.noise().lost_answers);
        let refusal = match fault {
            _ if !self.has_network() => Some((Fault::Unreachable, None)),
            _ if self.faults.token_expired => Some((Fault::Status(401), None)),
            Some(ApiFault::Unauthorized) => Some((Fault::Status(401), None)),
            Some(ApiFault::Forbidden) => Some((Fault::NotPermitted, None)),
            Some(ApiFault::TooMany) => Some((Fault::Status(429), Some(Duration::from_secs(3)))),
            Some(ApiFault::Broken) => Some((Fault::Status(500), None)),
            Some(ApiFault::Truncated | ApiFault::Lost | ApiFault::NoHistory) | None => {
                self.server.delete(item_of(&key.id));
                is_lost.then_some((Fault::TimedOut, None))
            }
        };
        if is_lost {
            after = micros(ANSWER_LIMIT);
        }
        let failure = |(fault, retry_after)| Failure { fault, detail: "simulated".to_owned(), retry_after };
        let result = refusal.map_or(Ok(()), |refusal| Err(failure(refusal)));
        if process == self.process {
            self.push_local(after, Local::Step(PipelineInput::ServerDeleted { key, result }));
        }
        Ok(())
    }

    pub(super) fn refuse(
        &mut self,
        process: u32,
        fetch: u64,
        pass: PassId,
        fault: Fault,
        retry: Option<Duration>,
        after: u64,
    ) {
        let failure = Failure { fault, detail: "simulated".to_owned(), retry_after: retry };
        self.answer(process, fetch, after, PipelineInput::Page { pass, result: Err(failure) });
    }

    pub(super) fn answer(&mut self, process: u32, fetch: u64, after: u64, input: PipelineInput) {
        if process == self.process {
            self.push_local(after, Local::Answered(fetch, input));
        }
    }

    /// Checks that a pass ends and does not request too often.
    pub(super) fn count_answer(&mut self, input: &PipelineInput) -> Verdict {
        let PipelineInput::Page { pass, result } = input else { return Ok(()) };
        if let Err(failure) = result {
            let until = failure.retry_after.map(|delay| self.clocks().mono + delay);
            if let Some(machine) = &mut self.machine {
                machine.asked_to_wait = machine.asked_to_wait.max(until);
            }
            return Self::count(&mut self.failed_requests, self.now, "failing requests");
        }
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let answers = machine.answers.entry(*pass).or_default();
        *answers += 1;
        if *answers > self.server.pages() {
            return Err(format!("(9) {pass:?} has asked for {answers} pages"));
        }
        Ok(())
    }
}
