//! Habits of servers that are no column of the table.

use std::sync::Arc;

use crate::java::Java;
use crate::table::Table;

mod spring;

pub(crate) async fn check_all(table: &mut Table, java: &Arc<Java>) {
    spring::check_all(table, java).await;
}
