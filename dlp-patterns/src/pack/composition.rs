//! What a rule looks for, as written: its parts, and how their matches have to lie.

use serde::Serialize;

use crate::document::{Place, Table, Value};
use crate::limits::{COUNT_MAX, PARTS_MAX, WITHIN_BYTES_MAX, WITHIN_MATCHES_MAX};

use super::part::{Part, Role};

/// The parts of a rule in the order of their roles, and within a role in the order of the text.
///
/// Invariant: at least one part is not of [`Role::None`]; `within` has two matches to be between, `in_order` two parts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Composition {
    pub(super) parts: Vec<Part>,
    pub(super) within_bytes: Option<u64>,
    #[serde(skip)]
    pub(super) within_place: Place,
    pub(super) in_order: bool,
}

impl Composition {
    /// Reads the keys of a rule that say what it looks for; `None` if anything is wrong with them.
    pub(super) fn read(rule: Table<'_>) -> Option<Composition> {
        let lists = Role::EACH.map(|role| (role, rule.optional(role.as_str())));
        let draft = if lists.iter().any(|(_, list)| list.is_present()) {
            refuse_own_pattern(rule);
            lists.into_iter().flat_map(|(role, list)| parts_of(list, role)).collect()
        } else {
            vec![Draft::read(rule, "a rule without parts", Role::All)]
        };
        let within = rule.optional("within");
        let within_bytes = within.integer(1..=WITHIN_BYTES_MAX);
        let in_order = rule.optional("in_order").bool().unwrap_or(false);
        let is_right = Composition::checked(rule, &draft);
        let parts = draft.into_iter().map(|draft| draft.part).collect::<Option<Vec<Part>>>()?;
        let is_right = is_right && parts.iter().any(|part| part.role() != Role::None);
        is_right.then(|| Composition { parts, within_bytes, within_place: within.place(), in_order })
    }

    /// Whether the parts go together, as far as that shows even where some of them are wrong themselves.
    fn checked(rule: Table<'_>, draft: &[Draft<'_>]) -> bool {
        let of = |role| draft.iter().filter(move |draft| draft.role == role);
        let mistake = |value: Value<'_>, message: String, hint: &str| {
            value.mistake(message, Some(hint.to_owned()));
            false
        };
        let mut is_right = true;
        if let Some(surplus) = draft.get(PARTS_MAX) {
            surplus.table.mistake(
                format!("a rule has at most {PARTS_MAX} parts"),
                Some("strings with the same conditions go into one `literals`".to_owned()),
            );
            is_right = false;
        }
        let is_positive = |role: Role| rule.optional(role.as_str()).is_present();
        let none = rule.optional(Role::None.as_str());
        if none.is_present() && !is_positive(Role::All) && !is_positive(Role::Any) {
            is_right =
                mistake(none, "`none` alone never hits".into(), "say in `all` or `any` what has to be there");
        }
        let within = rule.optional("within");
        // Of `any`, one part is enough.
        let counts = |role| of(role).map(|draft| draft.count.unwrap_or(1) as usize);
        let most = counts(Role::All).sum::<usize>() + counts(Role::Any).max().unwrap_or(0);
        if within.is_present() && most < 2 {
            is_right = mistake(
                within,
                "`within` needs two matches to be between".into(),
                "add a part to `all` or `any`, or a `count`",
            );
        }
        let remembered = counts(Role::All).chain(counts(Role::Any)).sum::<usize>();
        if within.is_present() && remembered > WITHIN_MATCHES_MAX {
            let message = format!("with `within`, the counts sum up to at most {WITHIN_MATCHES_MAX}");
            is_right = mistake(within, message, "lower a `count`, or leave out `within`");
        }
        let in_order = rule.optional("in_order");
        if in_order.is_present() && of(Role::All).count() < 2 {
            is_right =
                mistake(in_order, "`in_order` needs two parts in `all`".into(), "leave out `in_order`");
        }
        is_right
    }
}

/// A part as far as it is legible.
struct Draft<'d> {
    role: Role,
    table: Table<'d>,
    count: Option<u32>,
    part: Option<Part>,
}

impl<'d> Draft<'d> {
    fn read(table: Table<'d>, owner: &str, role: Role) -> Draft<'d> {
        let written = table.optional("count");
        let count = written.integer(1..=COUNT_MAX);
        let count = if written.is_present() { count } else { Some(1) };
        Draft { role, table, count, part: Part::read(table, owner, role, count) }
    }
}

fn parts_of(list: Value<'_>, role: Role) -> Vec<Draft<'_>> {
    if !list.is_present() {
        return Vec::new();
    }
    let tables = list.tables();
    if tables.is_empty() && !list.is_table() && list.items().is_empty() {
        list.mistake("at least one part belongs here", None);
    }
    tables
        .into_iter()
        .map(|table| {
            for key in ["within", "in_order"] {
                refuse(table.optional(key), key, "speaks of a whole rule", "write it above the parts");
            }
            Draft::read(table, "a part", role)
        })
        .collect()
}

/// A rule that lists parts has no pattern beside them, and no conditions that would be anybody's.
fn refuse_own_pattern(rule: Table<'_>) {
    for key in Part::KEYS.into_iter().chain(["count"]) {
        let hint = format!("write it into one: {{ {key} = … }}");
        refuse(rule.optional(key), key, "belongs into a part where a rule has parts", &hint);
    }
}

fn refuse(value: Value<'_>, key: &str, why: &str, hint: &str) {
    if value.is_present() {
        value.mistake(format!("`{key}` {why}"), Some(hint.to_owned()));
    }
}
