//! What one end asks of the other, in the words of its application.

use std::fmt;

use crate::limits::PATTERN_BYTES_MAX;
use crate::path_template::PathTemplate;

/// What kind of words an application's operations are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperationKind {
    /// Method and path: `GET /users/{id}`.
    Http,
    /// Service and method: `shop.Orders/Create`, `shop.Orders/*`.
    Grpc,
    /// Verb and table: `SELECT orders`, `DROP *`.
    Sql,
    /// Command and key: `GET`, `GET session:*`.
    Redis,
    /// Command and collection: `find orders`.
    MongoDb,
    /// API and topic: `produce orders`.
    Kafka,
    /// Name asked for: `api.test`, `*.api.test`.
    Dns,
    /// Name of the server (SNI): `api.test`, `*.api.test`.
    Tls,
}

/// One operation, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'o> {
    /// What kind its words are of.
    pub kind: OperationKind,
    /// What is to be done; empty where the kind has no such word.
    pub verb: &'o [u8],
    /// With what.
    pub object: &'o [u8],
}

/// Operations that a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationPattern {
    kind: OperationKind,
    /// In capital letters, where the case of the kind's verbs is no matter. `None` is any.
    verb: Option<Box<[u8]>>,
    object: Object,
}

/// Objects that a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Object {
    /// Whatever it is.
    Any,
    /// This one.
    Exact(Box<[u8]>),
    /// Those that begin so.
    Prefix(Box<[u8]>),
    /// Paths of one shape.
    Path(PathTemplate),
    /// Names below this one, and not that itself; in small letters.
    Below(Box<[u8]>),
}

impl OperationKind {
    /// Whether operations have a verb.
    pub fn has_verb(self) -> bool {
        !matches!(self, OperationKind::Grpc | OperationKind::Dns | OperationKind::Tls)
    }

    /// A verb as patterns have it: in capital letters, where its case does not matter. `None` is any.
    pub(crate) fn verb(self, verb: &[u8]) -> Option<Box<[u8]>> {
        let word = if self.has_verb_of_any_case() { verb.to_ascii_uppercase() } else { verb.to_owned() };
        (self.has_verb() && !matches!(verb, b"" | b"*")).then(|| word.into_boxed_slice())
    }

    /// Whether capital letters of a verb are as good as small ones. Methods of HTTP are words of one case (RFC 9110 §9.1).
    fn has_verb_of_any_case(self) -> bool {
        !matches!(self, OperationKind::Http)
    }

    /// How one is written, for hints.
    pub fn example(self) -> &'static str {
        match self {
            OperationKind::Http => "GET /users/{id}",
            OperationKind::Grpc => "shop.Orders/*",
            OperationKind::Sql => "SELECT orders",
            OperationKind::Redis => "GET session:*",
            OperationKind::MongoDb => "find orders",
            OperationKind::Kafka => "produce orders",
            OperationKind::Dns | OperationKind::Tls => "*.api.test",
        }
    }

    fn object(self, text: &str) -> Option<Object> {
        let is_name = matches!(self, OperationKind::Dns | OperationKind::Tls);
        if text == "*" {
            return Some(Object::Any);
        }
        if self == OperationKind::Http {
            return PathTemplate::parse(text).map(Object::Path);
        }
        if is_name {
            let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
            // The root is written as it is in zone files.
            let is_root = text == ".";
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            let is_sound = is_root || !name.is_empty() && !name.contains('*');
            let bytes = name.into_bytes().into_boxed_slice();
            return is_sound.then_some(if below { Object::Below(bytes) } else { Object::Exact(bytes) });
        }
        match text.split_once('*') {
            None => Some(Object::Exact(text.as_bytes().into())),
            Some((front, "")) => Some(Object::Prefix(front.as_bytes().into())),
            Some(_) => None,
        }
    }
}

impl OperationPattern {
    /// What is written as one: verb and object with a blank between, or one of them alone where the kind has no other. `None` where
    /// it is none of this kind.
    pub fn parse(kind: OperationKind, text: &str) -> Option<OperationPattern> {
        if text.is_empty() || text.len() > PATTERN_BYTES_MAX || text.trim() != text {
            return None;
        }
        let (verb, object) = match text.split_once(' ') {
            _ if !kind.has_verb() => ("*", text),
            Some((verb, object)) => (verb, object.trim_start()),
            None => (text, "*"),
        };
        if verb.is_empty() || object.is_empty() || verb.len() > 1 && verb.contains('*') {
            return None;
        }
        Some(OperationPattern { kind, verb: kind.verb(verb.as_bytes()), object: kind.object(object)? })
    }

    /// A verb, as [`OperationKind::verb`] has it, and what it is done with.
    pub(crate) fn of(kind: OperationKind, verb: Option<Box<[u8]>>, object: Object) -> OperationPattern {
        OperationPattern { kind, verb, object }
    }

    /// What kind of words it is of.
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// Whether it speaks of an operation.
    pub fn matches(&self, operation: &Operation<'_>) -> bool {
        let is_verb = |verb: &[u8]| match self.kind.has_verb_of_any_case() {
            true => verb.eq_ignore_ascii_case(operation.verb),
            false => verb == operation.verb,
        };
        self.kind == operation.kind
            && self.verb.as_deref().is_none_or(is_verb)
            && self.object.matches(operation.kind, operation.object)
    }

    /// Whether it speaks of all that another speaks of.
    pub fn covers(&self, other: &OperationPattern) -> bool {
        self.kind == other.kind
            && (self.verb.is_none() || self.verb == other.verb)
            && self.object.covers(self.kind, &other.object)
    }
}

impl Object {
    fn matches(&self, kind: OperationKind, object: &[u8]) -> bool {
        match self {
            Object::Any => true,
            // Names are of any case (RFC 4343), and those of SQL that are not quoted, too.
            Object::Exact(name) if kind.has_object_of_any_case() => {
                name.eq_ignore_ascii_case(object.strip_suffix(b".").unwrap_or(object))
            }
            Object::Exact(name) => **name == *object,
            Object::Prefix(front) => kind.begins(object, front),
            Object::Path(template) => template.matches(object),
            Object::Below(name) => is_below(object, name),
        }
    }

    fn covers(&self, kind: OperationKind, other: &Object) -> bool {
        match (self, other) {
            (Object::Any, _) => true,
            (_, Object::Exact(name)) => self.matches(kind, name),
            (Object::Prefix(mine), Object::Prefix(theirs)) => kind.begins(theirs, mine),
            (Object::Path(mine), Object::Path(theirs)) => mine.covers(theirs),
            (Object::Below(mine), Object::Below(theirs)) => mine == theirs || is_below(theirs, mine),
            _ => false,
        }
    }
}

impl OperationKind {
    fn has_object_of_any_case(self) -> bool {
        matches!(self, OperationKind::Dns | OperationKind::Tls | OperationKind::Sql)
    }

    /// Whether an object begins like that.
    fn begins(self, object: &[u8], front: &[u8]) -> bool {
        object.get(..front.len()).is_some_and(|begin| match self.has_object_of_any_case() {
            true => begin.eq_ignore_ascii_case(front),
            false => begin == front,
        })
    }
}

/// Whether a name has labels in front of another, which is in small letters.
fn is_below(name: &[u8], suffix: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let Some(front_bytes) = name.len().checked_sub(suffix.len()) else { return false };
    let (front, end) = name.split_at(front_bytes);
    front.ends_with(b".") && end.eq_ignore_ascii_case(suffix)
}

impl fmt::Display for OperationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let object = match &self.object {
            Object::Any => "*".to_owned(),
            Object::Exact(name) if name.is_empty() => ".".to_owned(),
            Object::Exact(name) => text(name),
            Object::Prefix(front) => format!("{}*", text(front)),
            Object::Path(template) => template.to_string(),
            Object::Below(name) => format!("*.{}", text(name)),
        };
        match &self.verb {
            _ if !self.kind.has_verb() => f.write_str(&object),
            None => write!(f, "* {object}"),
            Some(verb) if self.object == Object::Any => f.write_str(&text(verb)),
            Some(verb) => write!(f, "{} {object}", text(verb)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(kind: OperationKind, text: &str) -> OperationPattern {
        OperationPattern::parse(kind, text).unwrap_or_else(|| panic!("{text} is one"))
    }

    fn operation<'o>(kind: OperationKind, verb: &'o str, object: &'o str) -> Operation<'o> {
        Operation { kind, verb: verb.as_bytes(), object: object.as_bytes() }
    }

    #[test]
    fn each_kind_is_spoken_of_in_its_own_words() {
        use OperationKind::*;
        for (kind, text, verb, object, is_one) in [
            (Http, "GET /users/{id}", "GET", "/users/7", true),
            (Http, "GET /users/{id}", "get", "/users/7", false),
            (Http, "GET /users/{id}", "DELETE", "/users/7", false),
            (Http, "* /health", "HEAD", "/health", true),
            (Http, "GET", "GET", "/any/where", true),
            (Grpc, "shop.Orders/*", "", "shop.Orders/Create", true),
            (Grpc, "shop.Orders/*", "", "shop.OrdersX/Create", false),
            (Grpc, "shop.Orders/Get", "", "shop.Orders/Create", false),
            (Sql, "select orders", "SELECT", "Orders", true),
            (Sql, "SELECT orders", "DROP", "orders", false),
            (Sql, "SELECT ord*", "SELECT", "Orders", true),
            (Sql, "SELECT ord*", "SELECT", "or", false),
            (Sql, "SELECT", "select", "anything", true),
            (Redis, "GET session:*", "get", "session:17", true),
            (Redis, "GET session:*", "get", "user:17", false),
            (Redis, "GET session:*", "get", "Session:17", false),
            (Redis, "GET", "FLUSHALL", "", false),
            (MongoDb, "find orders", "find", "orders", true),
            (Kafka, "produce orders", "Produce", "orders", true),
            (Kafka, "produce orders", "produce", "payments", false),
            (Dns, "*.api.test", "", "a.API.test.", true),
            (Dns, "*.api.test", "", "api.test", false),
            (Dns, "*.api.test", "", "xapi.test", false),
            (Dns, "*.test", "", "api.test.", true),
            (Dns, "api.test.", "", "api.test", true),
            (Dns, ".", "", "", true),
            (Dns, ".", "", "test", false),
            (Tls, "api.test", "", "API.test", true),
            (Tls, "*", "", "", true),
        ] {
            let is = pattern(kind, text).matches(&operation(kind, verb, object));
            assert_eq!(is, is_one, "{text}: {verb} {object}");
        }
        assert!(!pattern(Dns, "*").matches(&operation(Tls, "", "a.test")));
    }

    #[test]
    fn patterns_are_written_as_they_are_read() {
        use OperationKind::*;
        for (kind, text) in [
            (Http, "GET /users/{id}/*/**"),
            (Http, "* /"),
            (Http, "POST"),
            (Grpc, "shop.Orders/*"),
            (Sql, "DROP"),
            (Sql, "* audit"),
            (Redis, "GET session:*"),
            (Dns, "*.api.test"),
            (Dns, "."),
            (Tls, "api.test"),
        ] {
            assert_eq!(pattern(kind, text).to_string(), text);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        use OperationKind::*;
        for (kind, text) in [
            (Http, ""),
            (Http, " GET"),
            (Http, "GET users"),
            (Http, "G* /"),
            (Http, "GET /a/**/b"),
            (Redis, "GET a*b"),
            (Dns, "a.*.test"),
            (Dns, "*."),
        ] {
            assert_eq!(OperationPattern::parse(kind, text), None, "{text}");
        }
        assert_eq!(OperationPattern::parse(Sql, &"x".repeat(PATTERN_BYTES_MAX + 1)), None);
    }

    #[test]
    fn the_wider_one_covers() {
        use OperationKind::*;
        for (kind, wide, narrow, covers) in [
            (Http, "*", "GET /a", true),
            (Http, "GET /**", "GET /a/{id}", true),
            (Http, "GET /**", "POST /a", false),
            (Http, "GET /a", "* /a", false),
            (Redis, "GET s*", "GET session:*", true),
            (Redis, "GET session:*", "GET s*", false),
            (Redis, "GET s*", "GET s", true),
            (Sql, "DROP Ord*", "DROP orders*", true),
            (Dns, "*.test", "*.api.test", true),
            (Dns, "*.test", "api.test", true),
            (Dns, "*.api.test", "*.test", false),
            (Dns, "api.test", "*.api.test", false),
        ] {
            assert_eq!(pattern(kind, wide).covers(&pattern(kind, narrow)), covers, "{wide} {narrow}");
        }
    }
}
