//! `weir protocols`

use anyhow::Context;
use dataplane::app::{self, AppProtocol, HttpProduct, ProtocolInfo};
use dlp_patterns::Field;
use serde::Serialize;

use super::{Output, ProtocolsArgs, print};
use crate::failure::Failure;
use crate::table::Table;

/// A protocol as the list shows it.
#[derive(Serialize)]
struct Listed {
    /// As events name it.
    name: &'static str,
    /// What its first bytes are told in; empty where it begins within another protocol.
    over: Vec<&'static str>,
    parsed: bool,
    fields: Vec<&'static str>,
    /// Type of its events.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    /// What its servers are told by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<ListedProduct>,
}

/// A product as the list shows it.
#[derive(Serialize)]
struct ListedProduct {
    /// As events name it.
    name: &'static str,
    /// Headers of its responses, and services of gRPC.
    shown_by: &'static str,
}

impl From<HttpProduct> for ListedProduct {
    fn from(product: HttpProduct) -> ListedProduct {
        ListedProduct { name: product.as_str(), shown_by: product.shown_by() }
    }
}

impl From<ProtocolInfo> for Listed {
    fn from(info: ProtocolInfo) -> Listed {
        let over = [(info.in_streams, "streams"), (info.in_datagrams, "datagrams")];
        Listed {
            name: info.protocol.as_str(),
            over: over.into_iter().filter(|(is_so, _)| *is_so).map(|(_, name)| name).collect(),
            parsed: info.fields.is_some(),
            fields: info.fields.unwrap_or_default().iter().copied().map(Field::as_str).collect(),
            event: info.event(),
            products: match info.protocol {
                AppProtocol::Http | AppProtocol::Http2 => products(),
                _ => Vec::new(),
            },
        }
    }
}

/// Lists every protocol that is recognised.
pub(super) fn protocols(args: &ProtocolsArgs) -> Result<(), Failure> {
    let listed: Vec<Listed> = app::protocols().into_iter().map(Listed::from).collect();
    print(&match args.output {
        Output::Json => serde_json::to_string_pretty(&listed).context("the list")?,
        Output::Text => text(&listed),
    })
}

/// Reads the name of what a flow speaks or what product answers, or of how little is known of that.
pub(super) fn name(text: &str) -> Result<String, String> {
    let unknown = [AppProtocol::Unknown, AppProtocol::Failed].map(AppProtocol::as_str);
    let is_product = HttpProduct::ALL.into_iter().any(|product| product.as_str() == text);
    let is_name = unknown.contains(&text) || AppProtocol::from_name(text).is_some() || is_product;
    if is_name { Ok(text.to_owned()) } else { Err("nothing that `weir protocols` lists".to_owned()) }
}

fn products() -> Vec<ListedProduct> {
    let mut products: Vec<_> = HttpProduct::ALL.into_iter().map(ListedProduct::from).collect();
    products.sort_by_key(|product| product.name);
    products
}

/// The protocols, and below them the products that answer over HTTP.
fn text(listed: &[Listed]) -> String {
    let mut table = Table::new(&["PRODUCT OVER HTTP", "SHOWN BY"]);
    for ListedProduct { name, shown_by } in products() {
        table.row([name.to_owned(), shown_by.to_owned()]);
    }
    format!("{}\n\n{table}", protocols_table(listed))
}

fn protocols_table(listed: &[Listed]) -> Table {
    let mut table = Table::new(&["PROTOCOL", "OVER", "PARSED", "EVENT", "FIELDS"]);
    for protocol in listed {
        let over = if protocol.over.is_empty() { "another".to_owned() } else { protocol.over.join(", ") };
        let parsed = if protocol.parsed { "yes" } else { "no" };
        let event = protocol.event.unwrap_or("-");
        table.row([
            protocol.name.to_owned(),
            over,
            parsed.to_owned(),
            event.to_owned(),
            protocol.fields.join(", "),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that is made from the list.
    const PAGE: &str = include_str!("../../../deploy/protocols.md");

    #[test]
    fn the_page_shows_the_list() {
        let listed: Vec<Listed> = app::protocols().into_iter().map(Listed::from).collect();
        let text = text(&listed);
        let shown = PAGE.split("```").nth(1).and_then(|block| block.strip_prefix("text\n"));
        assert_eq!(
            shown.map(str::trim_end),
            Some(text.as_str()),
            "`make protocols` writes deploy/protocols.md"
        );
    }

    #[test]
    fn names_are_those_of_events() {
        assert_eq!(name("ssh"), Ok("ssh".to_owned()));
        assert_eq!(name("failed"), Ok("failed".to_owned()));
        assert_eq!(name("consul"), Ok("consul".to_owned()));
        assert!(name("SSH").is_err() && name("pending").is_err());
    }
}
