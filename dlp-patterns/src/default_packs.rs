//! The packs that come with the crate.

use crate::Pack;

/// File name and text of each default pack, as shipped.
pub fn default_pack_texts() -> [(&'static str, &'static str); 6] {
    [
        ("cards.toml", include_str!("../packs/cards.toml")),
        ("exploits.toml", include_str!("../packs/exploits.toml")),
        ("keys.toml", include_str!("../packs/keys.toml")),
        ("kubernetes.toml", include_str!("../packs/kubernetes.toml")),
        ("sqli.toml", include_str!("../packs/sqli.toml")),
        ("traversal.toml", include_str!("../packs/traversal.toml")),
    ]
}

/// The default packs.
///
/// # Panics
/// If a shipped pack has a mistake, which a test rules out.
pub fn default_packs() -> Vec<Pack> {
    let parse = |(file, text)| Pack::parse(file, text).expect("the shipped packs are tested");
    default_pack_texts().into_iter().map(parse).collect()
}
