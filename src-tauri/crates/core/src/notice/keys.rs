//! Many keys, in order and in little memory: a summary may stand for a hundred thousand notices.
//!
//! Deliberately absent: looking for one.

use std::sync::Arc;

use super::NoticeKey;

/// Keys of notices. A copy shares their memory until one of the two is extended: a summary, its popup
/// on the way to the OS and on the screen have the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeKeys(Arc<Texts>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Texts {
    /// Scope and id of each, one after the other.
    text: String,
    /// How long they are: seven bits a byte, the lowest first; the last byte of a number is below 128.
    lengths: Vec<u8>,
    count: usize,
}

/// Where one of [`NoticeKeys`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlace {
    text: usize,
    lengths: usize,
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
    /// Adds one at the end; returns its place.
    pub fn push<'a>(&mut self, key: impl Into<NoticeKeyRef<'a>>) -> KeyPlace {
        let NoticeKeyRef { scope, id } = key.into();
        let Texts { text, lengths, count } = Arc::make_mut(&mut self.0);
        let place = KeyPlace { text: text.len(), lengths: lengths.len() };
        for part in [scope, id] {
            text.push_str(part);
            push_length(lengths, part.len());
        }
        *count += 1;
        place
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// The one at this place.
    pub fn get(&self, place: KeyPlace) -> Option<NoticeKeyRef<'_>> {
        let Texts { text, lengths, .. } = &*self.0;
        KeysFrom { text: text.get(place.text..)?, lengths: lengths.get(place.lengths..)? }.next()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = NoticeKeyRef<'_>> {
        KeysFrom { text: &self.0.text, lengths: &self.0.lengths }
    }

    /// The only one; `None` if there are none or several.
    pub fn only(&self) -> Option<NoticeKeyRef<'_>> {
        self.iter().next().filter(|_| self.len() == 1)
    }

    /// Each of them as a value of its own.
    pub fn to_vec(&self) -> Vec<NoticeKey> {
        self.iter().map(NoticeKeyRef::to_key).collect()
    }
}

impl<'a, K: Into<NoticeKeyRef<'a>>> Extend<K> for NoticeKeys {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.push(key);
        }
        // What follows, if anything does, is added to a copy.
        let Texts { text, lengths, .. } = Arc::make_mut(&mut self.0);
        text.shrink_to_fit();
        lengths.shrink_to_fit();
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

/// The keys from a place on.
struct KeysFrom<'a> {
    text: &'a str,
    lengths: &'a [u8],
}

impl<'a> KeysFrom<'a> {
    fn part(&mut self) -> Option<&'a str> {
        let (mut length, mut bits) = (0, 0);
        loop {
            let (byte, rest) = self.lengths.split_first()?;
            self.lengths = rest;
            length |= usize::from(byte & 0x7f) << bits;
            bits += 7;
            if *byte < 0x80 {
                break;
            }
        }
        let (part, rest) = self.text.split_at_checked(length)?;
        self.text = rest;
        Some(part)
    }
}

impl<'a> Iterator for KeysFrom<'a> {
    type Item = NoticeKeyRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(NoticeKeyRef { scope: self.part()?, id: self.part()? })
    }
}

fn push_length(lengths: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        lengths.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    lengths.push(length as u8);
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
        let mut more = compact.clone();
        let long = key(&"s".repeat(127), &"i".repeat(100_000));
        let places = [&long, &keys[3]].map(|key| more.push(key));
        let found = places.map(|place| more.get(place).map(NoticeKeyRef::to_key));
        assert_eq!(found, [Some(long), Some(keys[3].clone())]);
        assert_eq!(more.iter().count(), 6);
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
        assert!(all.0.text.capacity() <= all.0.text.len() + 16, "{}", all.0.text.capacity());
        assert_eq!(all.0.lengths.len(), 2 * all.len());
    }
}
