//! How values lie in columns: enums as words, times as microseconds since 1970, lists and objects as JSON.
//!
//! The words are part of the file format: a database is read by later versions of the program, so none may change
//! without a migration.

use jiff::Timestamp;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

use super::types::{RejectReason, Seq, Suppressed};
use crate::notice::{Priority, Source, State};

macro_rules! words {
    ($kind:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl ToSql for $kind {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(match self { $(Self::$variant => $word),+ }.into())
            }
        }

        impl FromSql for $kind {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(unknown(other)),
                }
            }
        }
    };
}

words!(State { Open = "open", Expired = "expired", Withdrawn = "withdrawn", Decided = "decided" });
words!(Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" });
words!(Source { Live = "live", Collected = "collected", History = "history" });
words!(RejectReason { TooLarge = "too-large", NotUtf8 = "not-utf8", NotUsable = "not-usable" });
words!(Suppressed {
    Disabled = "disabled",
    Muted = "muted",
    QuietHours = "quiet-hours",
    NotOpen = "not-open",
    OldNews = "old-news",
    Read = "read",
});

/// A word no column should hold.
pub(super) fn unknown(word: &str) -> FromSqlError {
    FromSqlError::Other(format!("unknown word `{word}`").into())
}

impl ToSql for Seq {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Seq {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// A time. What is finer than a microsecond is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Micros(pub(crate) Timestamp);

impl ToSql for Micros {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for Micros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// A value kept as JSON text.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> ToSql for Json<&T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(self.0)
            .map(Into::into)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}
