//! `ETag`, `If-Match` and `If-None-Match`: preconditions on what an object holds (RFC 9110, sections 8.8 and 13).

use actix_web::http::header::{self, EntityTag, HeaderMap, HeaderName};

use super::response::ApiResponse;
use crate::error::{Error, Result};

/// The entity tags of one header. actix's own `IfMatch` drops a header with a byte above 127 in it; here only that tag
/// matches nothing, and the others of the list count.
#[derive(Clone, Debug, PartialEq)]
enum Tags {
    Any,
    These(Vec<EntityTag>),
}

impl Tags {
    /// `None` without such a header; several lines of it are one list.
    fn of(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
        if !headers.contains_key(&name) {
            return None;
        }
        let mut tags = vec![];
        for line in headers.get_all(&name) {
            for tag in String::from_utf8_lossy(line.as_bytes()).split(',').map(str::trim) {
                if tag == "*" {
                    return Some(Tags::Any);
                }
                tags.extend(tag.parse::<EntityTag>());
            }
        }
        Some(Tags::These(tags))
    }

    fn name(&self, current: &EntityTag, is_equal: fn(&EntityTag, &EntityTag) -> bool) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(tags) => tags.iter().any(|tag| is_equal(tag, current)),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl Preconditions {
    pub fn of(headers: &HeaderMap) -> Preconditions {
        Preconditions {
            if_match: Tags::of(headers, header::IF_MATCH),
            if_none_match: Tags::of(headers, header::IF_NONE_MATCH),
        }
    }

    /// Refuses a change of an object that was meant for another version: 412. `current`: the object as the caller would get
    /// it; asked for only when there is a precondition.
    pub fn check(&self, current: impl FnOnce() -> Result<ApiResponse>) -> Result<()> {
        if self.if_match.is_none() && self.if_none_match.is_none() {
            return Ok(());
        }
        let tag = current()?.etag();
        let names = |tags: &Tags, is_equal| match &tag {
            Some(tag) => tags.name(tag, is_equal),
            None => *tags == Tags::Any,
        };
        let is_match = self.if_match.as_ref().is_none_or(|tags| names(tags, EntityTag::strong_eq));
        let is_unwanted = self.if_none_match.as_ref().is_some_and(|tags| names(tags, EntityTag::weak_eq));
        if is_match && !is_unwanted { Ok(()) } else { Err(Error::PreconditionFailed) }
    }

    /// Refuses to create an object that the caller expects to exist: 412.
    pub fn check_absent(&self) -> Result<()> {
        if self.if_match.is_none() { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}

/// Whether the caller of a GET has the representation with this tag already.
pub fn is_not_modified(headers: &HeaderMap, tag: &EntityTag) -> bool {
    Tags::of(headers, header::IF_NONE_MATCH).is_some_and(|tags| tags.name(tag, EntityTag::weak_eq))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::super::response::etag;
    use super::*;

    fn headers(name: HeaderName, lines: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn is_match(lines: &[&str], rev: i64) -> bool {
        let current = || Ok(ApiResponse { rev: Some(rev), ..ApiResponse::raw(vec![]) });
        Preconditions::of(&headers(header::IF_MATCH, &named(lines))).check(current).is_ok()
    }

    fn is_known(lines: &[&str], rev: i64) -> bool {
        is_not_modified(&headers(header::IF_NONE_MATCH, &named(lines)), &etag(rev, b""))
    }

    /// The lines with `N-` in the place of what the tag of an empty object at rev N has.
    fn named(lines: &[&str]) -> Vec<String> {
        let end = etag(7, b"").tag()[1..].to_owned();
        lines.iter().map(|line| line.replace("7\"", &format!("7{end}\""))).collect()
    }

    #[test]
    fn a_tag_tells_the_version_and_the_content_apart() {
        let tags = [etag(1, b"a"), etag(2, b"a"), etag(1, b"b")];
        assert!(tags[0] != tags[1] && tags[0] != tags[2] && tags[0] == etag(1, b"a"));
    }

    #[test]
    fn entity_tags_are_compared_as_the_rfc_says() {
        assert!(is_match(&["\"7\""], 7) && is_match(&["*"], 7) && is_match(&["\"1\", \"7\""], 7));
        assert!(is_known(&["W/\"7\""], 7) && !is_match(&["W/\"7\""], 7));
        assert!(!is_known(&["7"], 7) && !is_known(&["\"77\""], 7) && !is_known(&[""], 7));
    }

    #[test]
    fn several_lines_are_one_list() {
        assert!(is_match(&["\"1\"", "\"7\""], 7) && is_known(&["\"1\", \"2\"", "W/\"7\""], 7));
        assert!(!is_match(&["\"1\"", "\"2\""], 7) && is_known(&["\"1\"", "*"], 7));
    }

    #[test]
    fn what_is_no_entity_tag_matches_nothing_and_leaves_the_others() {
        assert!(!is_match(&["nonsense"], 7) && !is_match(&["\"\u{ff}\""], 7));
        assert!(is_match(&["\"\u{ff}\", \"7\""], 7) && is_match(&["nonsense, \"7\""], 7));
    }

    #[test]
    fn without_a_header_every_version_is_right_and_none_is_known() {
        assert!(is_match(&[], 7) && !is_known(&[], 7) && Preconditions::of(&HeaderMap::new()).check_absent().is_ok());
    }
}
