//! Inputs and actions of the pipeline, in one line each.

use belfry_core::{
    pipeline::{PipelineAction, PipelineInput, delivery::DeliveryAction},
    storage::{Applied, Write},
};

use crate::server::{Copy, copy_of};

pub(super) fn brief(input: &PipelineInput) -> String {
    match input {
        PipelineInput::Message(message) => {
            let copies: Vec<Copy> = message.notices.iter().map(copy_of).collect();
            format!("message {:?} {copies:?}", message.ack)
        }
        PipelineInput::Page { pass, result: Ok(page) } => {
            let copies: Vec<Copy> = page.0.notices.iter().map(copy_of).collect();
            format!("page of {pass:?}: {copies:?}, next {:?}", page.0.next)
        }
        PipelineInput::Applied { ticket, result } => format!("applied {ticket:?}: {}", brief_result(result)),
        PipelineInput::Recovered(_) => "recovered".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(super) fn brief_result(result: &Result<Applied, String>) -> String {
    match result {
        Ok(applied) => format!("{:?}", applied.outcomes),
        Err(error) => error.clone(),
    }
}

pub(super) fn brief_action(action: &PipelineAction) -> String {
    match action {
        PipelineAction::Delivery(DeliveryAction::Apply { ticket, writes }) => {
            let writes: Vec<String> = writes
                .iter()
                .map(|write| match write {
                    Write::Notice { notice, arrival, alert, .. } => {
                        format!("{:?} {arrival:?} {alert:?}", copy_of(notice))
                    }
                    other => format!("{other:?}"),
                })
                .collect();
            format!("apply {ticket:?}: {}", writes.join(", "))
        }
        PipelineAction::Delivery(DeliveryAction::Show { show, popup }) => {
            let ids: Vec<&str> = popup.notices.iter().map(|key| key.id).collect();
            format!("show {show:?}: {:?} {ids:?}", popup.kind)
        }
        other => format!("{other:?}"),
    }
}
