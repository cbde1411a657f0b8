//! Many keys, in order and in little memory: a summary may stand for a hundred thousand notices.
//!
//! Deliberately absent: looking for one.

use super::NoticeKey;

/// Keys of notices. Their texts are one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeKeys {
    text: String,
    /// Where in `text` the scope and the id of each end.
    ends: Vec<(usize, usize)>,
}

/// One of [`NoticeKeys`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeKeyRef<'a> {
    /// As [`NoticeKey::scope`].
    pub scope: &'a str,
    /// As [`NoticeKey::id`].
    pub id: &'a str,
}

impl NoticeKeyRef<'_> {
    /// The same key, to keep.
    pub fn to_key(self) -> NoticeKey {
        NoticeKey { scope: self.scope.to_owned(), id: self.id.to_owned() }
    }
}

impl<'a> From<&'a NoticeKey> for NoticeKeyRef<'a> {
    fn from(NoticeKey { scope, id }: &'a NoticeKey) -> Self {
        Self { scope, id }
    }
}

impl NoticeKeys {
    /// Adds one at the end.
    pub fn push<'a>(&mut self, key: impl Into<NoticeKeyRef<'a>>) {
        let NoticeKeyRef { scope, id } = key.into();
        self.text.push_str(scope);
        let scope_end = self.text.len();
        self.text.push_str(id);
        self.ends.push((scope_end, self.text.len()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The one at this place, counted from 0.
    pub fn get(&self, place: usize) -> Option<NoticeKeyRef<'_>> {
        let begin = place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, end)| *end);
        let (scope_end, end) = *self.ends.get(place)?;
        Some(NoticeKeyRef { scope: self.text.get(begin..scope_end)?, id: self.text.get(scope_end..end)? })
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = NoticeKeyRef<'_>> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// The only one; `None` if there are none or several.
    pub fn only(&self) -> Option<NoticeKeyRef<'_>> {
        self.get(0).filter(|_| self.len() == 1)
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<String> {
        self.iter().map(|key| key.id.to_owned()).collect()
    }

    /// Each of them as a value of its own.
    pub fn to_vec(&self) -> Vec<NoticeKey> {
        self.iter().map(NoticeKeyRef::to_key).collect()
    }
}

impl<'a, K: Into<NoticeKeyRef<'a>>> Extend<K> for NoticeKeys {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.push(key));
    }
}

impl<'a, K: Into<NoticeKeyRef<'a>>> FromIterator<K> for NoticeKeys {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut all = Self::default();
        all.extend(keys);
        all
    }
}

impl From<NoticeKey> for NoticeKeys {
    fn from(key: NoticeKey) -> Self {
        Self::from_iter([&key])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_added() {
        let key = |scope: &str, id: &str| NoticeKey { scope: scope.to_owned(), id: id.to_owned() };
        let keys = [key("hr", "7"), key("", "8"), key("财务", ""), key("", "报销")];
        let compact: NoticeKeys = keys.iter().collect();
        assert_eq!((compact.to_vec(), compact.len(), compact.is_empty()), (keys.to_vec(), 4, false));
        assert_eq!(compact.ids(), ["7", "8", "", "报销"]);
        assert_eq!(compact.only(), None);
        assert_eq!(NoticeKeys::from(key("hr", "7")).only().map(NoticeKeyRef::to_key), Some(key("hr", "7")));
        assert_eq!((NoticeKeys::default().only(), NoticeKeys::default().is_empty()), (None, true));
    }
}
