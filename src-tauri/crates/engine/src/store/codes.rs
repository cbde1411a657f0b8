//! How values are stored in columns: enums as words, times as microseconds since 1970, lists and
//! objects as JSON.
//!
//! The words are part of the file format: a database is read by later versions of the program, so
//! none may change without a migration.

use belfry_core::{notice::Origin, storage::Seq, words::Word};
use jiff::Timestamp;
use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

/// A value kept as its word. A type of our own, since neither SQLite's traits nor the values belong
/// to this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsWord<T>(pub(crate) T);

impl<T: Word> ToSql for AsWord<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.word().into())
    }
}

impl<T: Word> FromSql for AsWord<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        T::from_word(word).map(Self).ok_or_else(|| unknown(word))
    }
}

/// A row of a query that asks for one arrival number.
pub(crate) fn seq(row: &Row<'_>) -> rusqlite::Result<Seq> {
    row.get(0).map(Seq)
}

/// The error for a word that the column must not hold.
pub(super) fn unknown(word: &str) -> FromSqlError {
    FromSqlError::Other(format!("unknown word `{word}`").into())
}

/// A time, truncated to microseconds.
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

/// Who brought a notice: null for a personal source, else the destination of the shared one.
pub(crate) struct AsOrigin<T>(pub(crate) T);

impl ToSql for AsOrigin<&Origin> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Origin::Personal => Ok(rusqlite::types::Null.into()),
            Origin::Shared(destination) => Ok(destination.as_str().into()),
        }
    }
}

impl FromSql for AsOrigin<Origin> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str_or_null()? {
            None => Origin::Personal,
            Some(destination) => Origin::Shared(destination.to_owned()),
        }))
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

/// Reads a column that holds a word.
pub(crate) fn word<T: Word>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get::<_, AsWord<T>>(column).map(|AsWord(value)| value)
}
