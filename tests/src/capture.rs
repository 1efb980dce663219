//! Capture files read the plain way: a second opinion beside the engine's own reader.

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// LINKTYPE of the capture, or of the frame's interface.
    pub link_type: u16,
    /// The captured bytes.
    pub bytes: Vec<u8>,
    /// How long the frame was on the wire, in bytes.
    pub wire_bytes: u32,
}

/// What a capture file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Every frame up to the first byte that is no capture.
    pub frames: Vec<Frame>,
    /// Whether there is no such byte.
    pub is_whole: bool,
}

/// Reads a file as far as it is a capture; not at all where the format is unknown.
pub fn read(file: &[u8]) -> Capture {
    match file.first_chunk::<4>() {
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => pcap(file, u32::from_le_bytes),
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => pcap(file, u32::from_be_bytes),
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => pcapng(file),
        _ => Capture::default(),
    }
}

type Order = fn([u8; 4]) -> u32;

fn pcap(file: &[u8], order: Order) -> Capture {
    let link_type = word(file, 20, order).unwrap_or(0) as u16;
    let mut rest = file.get(24..).unwrap_or_default();
    let mut frames = Vec::new();
    while let (Some(captured), Some(wire_bytes)) = (word(rest, 8, order), word(rest, 12, order)) {
        let Some(bytes) = rest.get(16..).and_then(|body| body.get(..captured as usize)) else { break };
        frames.push(Frame { link_type, bytes: bytes.to_vec(), wire_bytes });
        rest = &rest[16 + captured as usize..];
    }
    Capture { frames, is_whole: file.len() >= 24 && rest.is_empty() }
}

fn pcapng(file: &[u8]) -> Capture {
    let mut frames = Vec::new();
    let mut interfaces: Vec<(u16, u32)> = Vec::new();
    let mut order: Order = u32::from_le_bytes;
    let mut rest = file;
    while let Some(magic) = rest.first_chunk::<4>() {
        if *magic == [0x0a, 0x0d, 0x0d, 0x0a] {
            order = if rest.get(8..12) == Some(&[0x4d, 0x3c, 0x2b, 0x1a]) {
                u32::from_le_bytes
            } else {
                u32::from_be_bytes
            };
            interfaces.clear();
        }
        let Some(length) = word(rest, 4, order).map(|length| length as usize) else { break };
        let Some(block) = rest.get(..length).filter(|block| block.len() >= 12) else { break };
        let body = &block[8..length - 4];
        match order(*magic) {
            1 => interfaces.push((link_type(body, order), word(body, 4, order).unwrap_or(0))),
            2 | 6 => frames.extend(packet(order(*magic), body, order, &interfaces)),
            3 => frames.extend(simple_packet(body, order, &interfaces)),
            _ => {}
        }
        rest = &rest[length..];
    }
    Capture { frames, is_whole: rest.is_empty() }
}

/// Enhanced Packet Block, or the older Packet Block with 16 bits of interface.
fn packet(kind: u32, body: &[u8], order: Order, interfaces: &[(u16, u32)]) -> Option<Frame> {
    let interface = if kind == 6 { word(body, 0, order)? as usize } else { link_type(body, order) as usize };
    let captured = word(body, 12, order)? as usize;
    let bytes = body.get(20..)?.get(..captured)?.to_vec();
    Some(Frame { link_type: interfaces.get(interface)?.0, bytes, wire_bytes: word(body, 16, order)? })
}

fn simple_packet(body: &[u8], order: Order, interfaces: &[(u16, u32)]) -> Option<Frame> {
    let (link_type, snap) = *interfaces.first()?;
    let wire_bytes = word(body, 0, order)?;
    let captured = if snap == 0 { wire_bytes } else { wire_bytes.min(snap) };
    Some(Frame { link_type, bytes: body.get(4..)?.get(..captured as usize)?.to_vec(), wire_bytes })
}

fn word(bytes: &[u8], at: usize, order: Order) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|word| order(*word))
}

/// The first 16 bits of a block.
fn link_type(body: &[u8], order: Order) -> u16 {
    let Some(&[a, b]) = body.first_chunk::<2>() else { return 0 };
    let little = order([1, 0, 0, 0]) == 1;
    if little { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &[u8], words: &[u32], tail: &[u8]) -> Vec<u8> {
        let mut bytes = header.to_vec();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn reads_frames_of_a_pcap_and_stops_at_a_torn_one() {
        let whole = file(&[0xd4, 0xc3, 0xb2, 0xa1], &[0, 0, 0, 65535, 101, 0, 0, 2, 9], b"ab");
        let expected = Frame { link_type: 101, bytes: b"ab".to_vec(), wire_bytes: 9 };
        assert_eq!(read(&whole), Capture { frames: vec![expected], is_whole: true });
        assert_eq!(read(&whole[..whole.len() - 1]), Capture::default());
        assert_eq!(read(b"no capture"), Capture::default());
    }

    #[test]
    fn reads_the_packet_blocks_of_a_pcapng() {
        let section = [28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
        let interface = [1, 20, 113, 0, 20];
        let enhanced = [6, 36, 0, 0, 0, 4, 60, u32::from_le_bytes(*b"abcd"), 36];
        let simple = [3, 20, 4, u32::from_le_bytes(*b"efgh"), 20];
        let words: Vec<u32> = [&section[..], &interface, &enhanced, &simple].concat();
        let capture = read(&file(&[0x0a, 0x0d, 0x0d, 0x0a], &words, b""));
        let expected = [
            Frame { link_type: 113, bytes: b"abcd".to_vec(), wire_bytes: 60 },
            Frame { link_type: 113, bytes: b"efgh".to_vec(), wire_bytes: 4 },
        ];
        assert_eq!(capture.frames, expected);
        assert!(capture.is_whole);
        assert!(!read(&file(&[0x0a, 0x0d, 0x0d, 0x0a], &words, b"torn")).is_whole);
    }
}
