//! Conversations for the tests of parsers: told however they are cut.

use std::collections::BTreeSet;

use dlp_patterns::Field;

use super::{
    App, AppProtocol, SpareParsers, kept, protocols,
    recorder::{Recorder, Told},
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// What one end says before the other one does.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    direction: Direction,
    bytes: Vec<u8>,
}

impl Turn {
    pub(super) fn client(bytes: &[u8]) -> Turn {
        Turn { direction: Direction::ToServer, bytes: bytes.to_vec() }
    }

    pub(super) fn server(bytes: &[u8]) -> Turn {
        Turn { direction: Direction::ToClient, bytes: bytes.to_vec() }
    }

    fn chunk(&self) -> (Direction, StreamChunk<'_>) {
        (self.direction, StreamChunk::Data(&self.bytes))
    }
}

/// What a conversation tells, which must be of `protocol`; fails where that depends on how it is cut.
pub(super) fn told_however_cut(protocol: AppProtocol, turns: &[Turn]) -> Recorder {
    kept::keep(protocol, false, turns.iter().map(Turn::chunk));
    let whole = told(protocol, turns, &|_| usize::MAX);
    let single = told(protocol, turns, &|_| 1);
    assert_eq!(single.told, whole.told, "a byte at a time");
    let longest = turns.iter().map(|turn| turn.bytes.len()).max().unwrap_or(0);
    // One cut at every place of each turn.
    for at in 1..longest.min(1024) {
        let cut = told(protocol, turns, &|done| if done == 0 { at } else { usize::MAX });
        assert_eq!(cut.told, whole.told, "cut at {at}");
    }
    whole
}

/// What datagrams of a flow of `protocol` tell.
pub(super) fn told_of_datagrams(protocol: AppProtocol, datagrams: &[Turn]) -> Recorder {
    kept::keep(protocol, true, datagrams.iter().map(Turn::chunk));
    let (mut app, mut parsers, mut recorder) = (App::new(), SpareParsers::default(), Recorder::default());
    let mut spoken = BTreeSet::from([protocol]);
    for Turn { direction, bytes } in datagrams {
        app.datagram(*direction, bytes, &mut parsers, &mut recorder);
        spoken.insert(app.protocol());
    }
    app.finish(&mut parsers, &mut recorder);
    recorder.assert_nothing_open();
    assert_eq!(app.protocol().as_str(), protocol.as_str());
    assert_all_listed(&spoken, &recorder);
    recorder
}

/// Each turn in pieces of as many bytes as `piece` says for the number of bytes of the turn that are done.
fn told(protocol: AppProtocol, turns: &[Turn], piece: &dyn Fn(usize) -> usize) -> Recorder {
    let (mut app, mut parsers, mut recorder) = (App::new(), SpareParsers::default(), Recorder::default());
    let mut spoken = BTreeSet::from([protocol]);
    for Turn { direction, bytes } in turns {
        let mut done = 0;
        while done < bytes.len() {
            let count = piece(done).min(bytes.len() - done);
            app.advance(
                *direction,
                StreamChunk::Data(&bytes[done..done + count]),
                &mut parsers,
                &mut recorder,
            );
            done += count;
            spoken.insert(app.protocol());
        }
    }
    assert_eq!(app.protocol().as_str(), protocol.as_str());
    app.finish(&mut parsers, &mut recorder);
    recorder.assert_nothing_open();
    assert_all_listed(&spoken, &recorder);
    recorder
}

/// What is told is what the list of protocols says of those that were spoken one after the other.
fn assert_all_listed(spoken: &BTreeSet<AppProtocol>, recorder: &Recorder) {
    // Of what failed, it is not known any more what it was.
    if spoken.contains(&AppProtocol::Failed) {
        return;
    }
    let listed: Vec<_> =
        spoken.iter().filter_map(|protocol| protocols::fields(*protocol)).flatten().collect();
    for told in &recorder.told {
        if let Told::Begin(_, field) = told {
            let is_listed = *field == Field::Payload || listed.contains(&field);
            assert!(is_listed, "FIELDS of none of {spoken:?} lists {}", field.as_str());
        }
    }
}
