//! Paging by cursor: sorted by identifier, each page begins after the last item of the one before.

use serde::Serialize;

use crate::http::{Request, Response};
use crate::{Error, Id, Result};

/// Items on a page unless `limit` says otherwise.
pub(crate) const LIMIT_DEFAULT: u16 = 100;

/// The most items on a page.
pub(crate) const LIMIT_MAX: u16 = 1000;

/// Which page of a list of `T` a request asks for.
pub struct PageRequest<T> {
    /// The most items that the page may have, 1 to 1000.
    pub limit: u16,
    /// The last item of the page before; none for the first page.
    pub after: Option<Id<T>>,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, sorted by identifier.
    pub items: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), has_more: self.has_more }
    }
}

impl<T> PageRequest<T> {
    /// Reads `limit` and `cursor` from the query.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if either is malformed.
    pub fn parse(request: &Request) -> Result<Self> {
        let limit = match request.query("limit") {
            None => LIMIT_DEFAULT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit) && !text.starts_with('+'))
                .ok_or(Error::InvalidRequest(
                    "The query parameter limit must be a number from 1 to 1000.",
                ))?,
        };
        let after = request
            .query("cursor")
            .map(|text| {
                Id::parse(text).ok_or(Error::InvalidRequest(
                    "The query parameter cursor must be one that a Link header gave.",
                ))
            })
            .transpose()?;
        Ok(Self { limit, after })
    }

    /// How many items to fetch so that it shows whether there are more.
    pub fn fetch_count(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of what was fetched.
    pub fn page_of<I>(&self, mut fetched: Vec<I>) -> Page<I> {
        let limit = usize::from(self.limit);
        let has_more = fetched.len() > limit;
        fetched.truncate(limit);
        Page { items: fetched, has_more }
    }

    /// 200 with the items, and `Link` (RFC 8288) to the next page if there is one.
    pub fn response<I: Serialize>(&self, page: &Page<I>, id: impl Fn(&I) -> Id<T>) -> Response {
        let response = Response::ok(&page.items);
        match page.items.last() {
            Some(last) if page.has_more => response.with_header(
                "Link",
                format!("<?cursor={}&limit={}>; rel=\"next\"", id(last), self.limit),
            ),
            Some(_) | None => response,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let page = PageRequest::<Thing>::parse(&request(&[])).unwrap();

        assert_eq!(page.limit, 100);
        assert!(page.after.is_none());
    }

    #[tokio::test]
    async fn limits_outside_1_to_1000_and_foreign_cursors_are_refused() {
        for limit in ["0", "1001", "-1", "+5", "ten", "", "1,2", "99999999999"] {
            let refused = PageRequest::<Thing>::parse(&request(&[("limit", limit)]));
            assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{limit}");
        }
        for cursor in ["", "abc", "{\"$gt\":\"\"}"] {
            let refused = PageRequest::<Thing>::parse(&request(&[("cursor", cursor)]));
            assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{cursor}");
        }
    }

    #[test]
    fn one_item_more_than_the_limit_shows_that_there_are_more() {
        let page = PageRequest::<Thing> { limit: 2, after: None };

        assert_eq!(page.fetch_count(), 3);
        assert!(page.page_of(vec![1, 2, 3]).has_more);
        assert_eq!(page.page_of(vec![1, 2, 3]).items, [1, 2]);
        assert!(!page.page_of(vec![1, 2]).has_more);
    }

    #[test]
    fn a_link_leads_to_the_next_page() {
        let request = PageRequest::<Thing> { limit: 2, after: None };
        let last = Id::parse("0190a6b2-1111-7abc-8def-0123456789ab").unwrap();
        let link = |has_more| {
            let page = Page { items: vec![1, 2], has_more };
            request.response(&page, |_| last).header("Link").map(str::to_owned)
        };

        assert_eq!(
            link(true).unwrap(),
            "<?cursor=0190a6b2-1111-7abc-8def-0123456789ab&limit=2>; rel=\"next\""
        );
        assert_eq!(link(false), None);
    }
}
