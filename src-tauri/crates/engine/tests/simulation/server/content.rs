//! What the simulated server's copies say, as they arrive over the session and in a row.

use belfry_core::notice::{Identity, Notice, NoticeKey, Origin, Priority, State};
use serde_json::Map;

use super::{At, Copy, RecordRow, Server, true_time};
use crate::plan::{Api, Stamp};

impl Server {
    /// A copy as it arrives over the session.
    pub(crate) fn notice(&self, copy: Copy) -> Notice {
        if copy.is_forged() {
            return self.forged_notice(copy);
        }
        let version = self.version(copy);
        Notice {
            title: format!("{} version {}", id_of(copy.item), copy.version),
            sent_at: Some(true_time(version.sent)),
            state: version.state,
            version: (self.stamp == Stamp::Version).then_some(copy.version as i64),
            ..blank(copy)
        }
    }

    /// Newer than anything, by its own words.
    fn forged_notice(&self, copy: Copy) -> Notice {
        Notice {
            title: "forged".to_owned(),
            sent_at: Some(true_time(At::MAX / 1_000_000)),
            state: self.state_of(copy),
            version: Some(i64::MAX),
            origin: Origin::Shared("/topic/world".to_owned()),
            ..blank(copy)
        }
    }

    pub(super) fn row_notice(&self, api: Api, row: &RecordRow) -> Notice {
        let undelivered = !row.is_written && (!row.delivered || row.is_spent);
        Notice { undelivered: api.says_status.then_some(undelivered), ..self.notice(row.copy) }
    }
}

/// What all copies have in common.
fn blank(copy: Copy) -> Notice {
    Notice {
        key: NoticeKey { scope: String::new(), id: id_of(copy.item) },
        identity: Identity::Assigned,
        title: String::new(),
        body: copy.version.to_string(),
        kind: String::new(),
        sender: String::new(),
        sent_at: None,
        link: String::new(),
        priority: Priority::Normal,
        state: State::Open,
        has_state: true,
        version: None,
        actions: Vec::new(),
        undelivered: None,
        extra: Map::new(),
        destination: "/queue/world".to_owned(),
        is_partial: false,
        origin: Origin::Personal,
    }
}

/// The id of a notice.
pub(crate) fn id_of(item: usize) -> String {
    format!("m{item}")
}

/// The copy a notice is.
pub(crate) fn copy_of(notice: &Notice) -> Copy {
    let item = notice.key.id.strip_prefix('m').unwrap().parse().unwrap();
    Copy { item, version: notice.body.parse().unwrap() }
}
