//! Paging by cursor: items are sorted by a key, and a page starts after the last item of the previous
//! one.

use std::fmt::Display;

use serde::Serialize;

use crate::http::{Request, Response};
use crate::validation::LIST_ITEMS_MAX;
use crate::{Error, Result};

/// The default of `limit`.
pub(crate) const LIMIT_DEFAULT: usize = 100;

/// The maximum of `limit`.
pub(crate) const LIMIT_MAX: usize = LIST_ITEMS_MAX;

/// The query parameters of paging.
pub const PARAMETERS: &[&str] = &["limit", "cursor"];

/// The size limit of a page's JSON in bytes, exceeded only by a single larger item. A hundred of
/// the largest records have 100 MiB, which would block a handler for seconds.
const BYTES_MAX: usize = 4 << 20;

/// The largest growth of a fetched portion over all before it, so that large items after small ones
/// are not all fetched at once.
const GROWTH_MAX: usize = 4;

/// The page that a request asks for, of a list that is sorted by a `K`.
pub struct PageRequest<K> {
    /// The most items on the page, 1 to 1000.
    limit: usize,
    /// The key of the previous page's last item; `None` for the first page.
    after: Option<K>,
}

/// One page of a list, written item by item.
pub struct Page<K> {
    limit: usize,
    /// The items so far, as a JSON array without its end.
    json: String,
    keys: Vec<K>,
    /// The key of the previous page's last item.
    after: Option<K>,
    largest_item_bytes: usize,
    has_more: bool,
}

/// The most items on the page that a request asks for.
///
/// # Errors
/// [`Error::InvalidRequest`] if `limit` is malformed.
pub fn limit(request: &Request) -> Result<usize> {
    let Some(text) = request.query("limit") else { return Ok(LIMIT_DEFAULT) };
    let limit = text.parse().ok();
    let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit) && !text.starts_with('+'));
    limit.ok_or(Error::InvalidRequest("The query parameter limit must be a number from 1 to 1000."))
}

/// Where the page begins that a request asks for; `parse` reads the text of the cursor.
///
/// # Errors
/// [`Error::InvalidRequest`] if `cursor` is malformed.
pub fn cursor<K>(request: &Request, parse: impl FnOnce(&str) -> Option<K>) -> Result<Option<K>> {
    let Some(text) = request.query("cursor") else { return Ok(None) };
    let cursor = parse(text).map(Some);
    cursor.ok_or(Error::InvalidRequest(
        "The query parameter cursor must be taken from a Link header.",
    ))
}

/// The query that asks for the page after `cursor`, or for the first page.
pub fn query(cursor: Option<&impl Display>, limit: usize) -> String {
    match cursor {
        Some(cursor) => format!("cursor={cursor}&limit={limit}"),
        None => format!("limit={limit}"),
    }
}

impl<K: Copy> PageRequest<K> {
    /// Reads `limit` and `cursor` from the query; `parse_key` reads the key in the cursor.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if either is malformed.
    pub fn parse(request: &Request, parse_key: impl FnOnce(&str) -> Option<K>) -> Result<Self> {
        Ok(Self { limit: limit(request)?, after: cursor(request, parse_key)? })
    }

    /// The page, filled with the items that `fetch` returns, each with its key. It is called with the
    /// key of the item before and the number of items to fetch: portions suit the size of the items,
    /// so each is a short command that can be retried alone, and no more is read than the page can
    /// hold. An item has at most about `item_bytes_max` bytes.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn fill<T, F>(
        &self,
        item_bytes_max: usize,
        fetch: impl Fn(Option<K>, usize) -> F,
    ) -> Result<Page<K>>
    where
        K: Display,
        T: Serialize,
        F: Future<Output = Result<Vec<(K, T)>>>,
    {
        let mut page = self.begin(item_bytes_max);
        loop {
            let portion = page.portion();
            let found = fetch(page.after(), portion).await?;
            let is_last = found.len() < portion;
            for (key, item) in found {
                if !page.takes(key, &item) {
                    return Ok(page);
                }
            }
            if is_last {
                return Ok(page);
            }
        }
    }

    /// An empty page. An item has at most about `item_bytes_max` bytes.
    pub fn begin(&self, item_bytes_max: usize) -> Page<K> {
        Page {
            limit: self.limit,
            json: String::from("["),
            keys: Vec::new(),
            after: self.after,
            largest_item_bytes: item_bytes_max,
            has_more: false,
        }
    }
}

impl<K: Copy + Display> Page<K> {
    /// The key after which the next portion starts.
    pub fn after(&self) -> Option<K> {
        self.keys.last().copied().or(self.after)
    }

    /// How many items to fetch next: as many as fit, and one more that shows whether there is a
    /// next page.
    pub fn portion(&self) -> usize {
        let fitting = BYTES_MAX.saturating_sub(self.json.len()) / self.largest_item_bytes;
        let growing = if self.keys.is_empty() { usize::MAX } else { GROWTH_MAX * self.keys.len() };
        (fitting + 1).min(growing).min(self.limit + 1 - self.keys.len())
    }

    /// Adds an item if it fits; if not, the page is complete and there is a next one.
    #[must_use]
    pub fn takes(&mut self, key: K, item: &impl Serialize) -> bool {
        let item = serde_json::to_string(item).expect("serialising our own types cannot fail");
        // Includes a comma and the closing bracket.
        let bytes = self.json.len() + item.len() + 2;
        self.has_more =
            !self.keys.is_empty() && (self.keys.len() == self.limit || bytes > BYTES_MAX);
        if self.has_more {
            return false;
        }
        if self.keys.is_empty() {
            // The size of items is known from here on.
            self.largest_item_bytes = 1;
        } else {
            self.json.push(',');
        }
        self.json.push_str(&item);
        self.keys.push(key);
        self.largest_item_bytes = self.largest_item_bytes.max(item.len());
        true
    }

    /// The keys of the items.
    pub fn keys(&self) -> &[K] {
        &self.keys
    }

    /// 200 with the items, and `Link` (RFC 8288) to the next page if there is one.
    pub fn into_response(mut self) -> Response {
        self.json.push(']');
        let next = self.keys.last().filter(|_| self.has_more);
        let next = next.map(|last| query(Some(last), self.limit));
        Response::ok_json(self.json).with_next_page(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;
    use crate::http::Request;

    struct Thing;

    fn request(query: &[(&str, &str)]) -> Request {
        let mut request = crate::http::test_request(&[], None);
        request.query =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        request
    }

    #[tokio::test]
    async fn the_first_hundred_come_unless_said_otherwise() {
        let page = PageRequest::parse(&request(&[]), Id::<Thing>::parse).unwrap();

        assert_eq!(page.limit, 100);
        assert!(page.after.is_none());
    }

    #[tokio::test]
    async fn limits_outside_1_to_1000_and_foreign_cursors_are_refused() {
        for limit in ["0", "1001", "-1", "+5", "ten", "", "1,2", "99999999999"] {
            let refused = PageRequest::parse(&request(&[("limit", limit)]), Id::<Thing>::parse);
            assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{limit}");
        }
        for cursor in ["", "abc", "{\"$gt\":\"\"}"] {
            let refused = PageRequest::parse(&request(&[("cursor", cursor)]), Id::<Thing>::parse);
            assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{cursor}");
        }
    }

    fn id(number: usize) -> Id<Thing> {
        Id::parse(&format!("0190a6b2-1111-7abc-8def-{number:012}")).unwrap()
    }

    /// Fills a page with such items in portions; returns it and the number of items fetched.
    fn page_of(
        limit: usize,
        item_bytes_max: usize,
        items: &[&str],
    ) -> (Page<Id<Thing>>, Vec<usize>) {
        let mut page = PageRequest { limit, after: None }.begin(item_bytes_max);
        let mut portions = Vec::new();
        let mut rest = items.iter().enumerate();
        'page: loop {
            let portion = page.portion();
            portions.push(portion);
            for _ in 0..portion {
                let Some((number, item)) = rest.next() else { break 'page };
                if !page.takes(id(number), item) {
                    break 'page;
                }
            }
        }
        (page, portions)
    }

    #[test]
    fn one_item_more_than_the_limit_shows_that_there_are_more() {
        let (page, portions) = page_of(2, 1000, &["1", "2", "3"]);
        assert_eq!(portions, [3]);
        assert_eq!(page.keys(), [id(0), id(1)]);
        let response = page.into_response();
        assert_eq!(response.body(), Some(r#"["1","2"]"#));
        assert_eq!(
            response.header("Link").unwrap(),
            "<?cursor=0190a6b2-1111-7abc-8def-000000000001&limit=2>; rel=\"next\""
        );

        let (page, _) = page_of(2, 1000, &["1", "2"]);
        assert_eq!(page.into_response().header("Link"), None);
        let (page, _) = page_of(2, 1000, &[]);
        assert_eq!(page.into_response().body(), Some("[]"));
    }

    #[test]
    fn a_page_ends_after_four_mebibytes_and_has_one_item_at_least() {
        let mebibyte = "x".repeat((1 << 20) - 3);
        let (page, portions) = page_of(100, 1 << 20, &[mebibyte.as_str(); 9]);
        assert_eq!((page.keys().len(), portions.as_slice()), (3, &[4][..]));
        let response = page.into_response();
        assert!(response.body().unwrap().len() <= BYTES_MAX);
        assert!(response.header("Link").is_some());

        let huge = "x".repeat(BYTES_MAX);
        let (page, _) = page_of(100, 1 << 20, &[huge.as_str(); 2]);
        assert_eq!(page.keys().len(), 1);
        assert!(page.into_response().header("Link").is_some());
    }

    #[test]
    fn portions_follow_the_size_of_the_items() {
        let small = vec!["small"; 101];
        assert_eq!(page_of(100, 1000, &small).1, [101]);
        assert_eq!(page_of(100, 1_000_000, &small).1, [5, 20, 76]);

        let large = "x".repeat(1 << 19);
        let mut mixed = vec!["small"; 5];
        mixed.extend(vec![large.as_str(); 50]);
        let (page, portions) = page_of(100, 1_000_000, &mixed);
        assert_eq!((page.keys().len(), portions.as_slice()), (12, &[5, 20][..]));
    }
}
