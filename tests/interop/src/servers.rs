//! The servers of the table, and how each is spoken to.

pub(crate) mod activemq;
pub(crate) mod pushd;
pub(crate) mod rabbitmq;
pub(crate) mod spring;
