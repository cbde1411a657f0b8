//! Many keys, in order and in little memory: a summary may stand for a hundred thousand notices.
//!
//! Deliberately absent: looking for one.

use std::sync::Arc;

use super::NoticeKey;

/// Keys of notices. A copy shares their memory until one of the two is extended: a summary, its popup
/// on the way to the OS and on the screen have the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeKeys(Arc<Texts>);

/// The texts of all keys are one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Texts {
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
        let Texts { text, ends } = Arc::make_mut(&mut self.0);
        // By a quarter instead of twofold: what is reserved for nothing stays as long as the popup.
        let missing = scope.len() + id.len();
        if text.capacity() - text.len() < missing {
            text.reserve_exact(missing + text.len() / 4);
        }
        if ends.len() == ends.capacity() {
            ends.reserve_exact(1 + ends.len() / 4);
        }
        text.push_str(scope);
        let scope_end = text.len();
        text.push_str(id);
        ends.push((scope_end, text.len()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// The one at this place, counted from 0.
    pub fn get(&self, place: usize) -> Option<NoticeKeyRef<'_>> {
        let Texts { text, ends } = &*self.0;
        let begin = place.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |(_, end)| *end);
        let (scope_end, end) = *ends.get(place)?;
        Some(NoticeKeyRef { scope: text.get(begin..scope_end)?, id: text.get(scope_end..end)? })
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = NoticeKeyRef<'_>> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// The only one; `None` if there are none or several.
    pub fn only(&self) -> Option<NoticeKeyRef<'_>> {
        self.get(0).filter(|_| self.len() == 1)
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
        assert_eq!(compact.get(3).map(|key| key.id), Some("报销"));
        assert_eq!(compact.only(), None);
        assert_eq!(NoticeKeys::from(key("hr", "7")).only().map(NoticeKeyRef::to_key), Some(key("hr", "7")));
        assert_eq!((NoticeKeys::default().only(), NoticeKeys::default().is_empty()), (None, true));
    }

    #[test]
    fn a_copy_shares_the_memory_until_one_of_the_two_is_extended() {
        let key = |number: usize| NoticeKey { scope: String::new(), id: format!("number {number}") };
        let mut all: NoticeKeys = (0..1_000).map(key).collect::<Vec<_>>().iter().collect();
        let copy = all.clone();
        assert!(Arc::ptr_eq(&all.0, &copy.0));
        all.push(&key(1_000));
        assert!(!Arc::ptr_eq(&all.0, &copy.0));
        assert_eq!((all.len(), copy.len()), (1_001, 1_000));
        drop(copy);
        all.extend((1_001..2_000).map(key).collect::<Vec<_>>().iter());
        assert!(all.0.text.capacity() <= all.0.text.len() * 5 / 4 + 16, "little is reserved for nothing");
        assert!(all.0.ends.capacity() <= all.0.ends.len() * 5 / 4 + 1);
    }
}
