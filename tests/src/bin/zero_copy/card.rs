//! The kinds of emulated network cards whose drivers have zero-copy.

use std::path::Path;

/// One of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Card {
    /// The usual one of virtual machines.
    Virtio,
    /// An Intel 82576: a real card's driver, with rings of its own kind.
    Igb,
}

impl Card {
    /// The kind of a name.
    pub(crate) fn named(name: &str) -> Option<Card> {
        match name {
            "virtio" => Some(Card::Virtio),
            "igb" => Some(Card::Igb),
            _ => None,
        }
    }

    /// As many queues a card can have: of the emulated ones, only a real one's has several.
    pub(crate) fn queues_max(self) -> u32 {
        match self {
            Card::Virtio => 1,
            Card::Igb => 2,
        }
    }

    /// How the emulator is told of the card `index`, whose cable ends at a socket.
    pub(crate) fn with_wire(self, index: usize, socket: &Path) -> Vec<String> {
        let cable = format!("stream,id=wire{index},server=off,addr.type=unix,addr.path={}", socket.display());
        let ends = format!("id=card{index},netdev=wire{index},romfile=,mac=52:54:00:00:00:0{index}");
        match self {
            // Without `iommu_platform` the driver does not own the addresses that it gives the device, and refuses.
            Card::Virtio => {
                arguments(["-netdev", &cable, "-device", &format!("{VIRTIO},iommu_platform=on,{ends}")])
            }
            Card::Igb => {
                let slot = format!("pcie-root-port,id=slot{index},chassis={index},slot={index}");
                arguments([
                    "-netdev",
                    &cable,
                    "-device",
                    &slot,
                    "-device",
                    &format!("igb,bus=slot{index},{ends}"),
                ])
            }
        }
    }

    /// One more card, to whose cable nobody connects, and whose driver must refuse zero-copy; nothing where there is no such card of this
    /// kind.
    pub(crate) fn without_zero_copy(self, index: usize, socket: &Path) -> Vec<String> {
        match self {
            Card::Virtio => arguments([
                "-netdev",
                &format!("stream,id=wire{index},server=on,addr.type=unix,addr.path={}", socket.display()),
                "-device",
                &format!("{VIRTIO},netdev=wire{index},romfile=,mac=52:54:00:00:00:0{index}"),
            ]),
            Card::Igb => Vec::new(),
        }
    }
}

const VIRTIO: &str = "virtio-net-pci,disable-legacy=on";

fn arguments<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}
