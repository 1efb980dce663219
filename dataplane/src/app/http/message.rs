//! One message behind its start line: header block, body, trailers; every byte is of exactly one of them.

use dlp_patterns::Field;

use super::{
    HttpFraming,
    chunked::{Chunked, ChunkedRead},
    framings::Framings,
    head::{Framing, Head, Kind},
    header_block::{BlockRead, HeaderBlock},
    switch::Offer,
};
use crate::{
    app::{AppAnomaly, AppSink, HttpFile, HttpTransaction, RequestPart, body::Body, emitter::Emitter},
    content::Decoders,
    flow::Direction,
};

/// A message under way.
#[derive(Debug)]
pub(super) struct Message {
    head: Head,
    part: Part,
    block: HeaderBlock,
    chunked: Chunked,
    body: Body,
    read_as: HttpFraming,
    /// What else its framing may be.
    others: Option<Framings>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    /// So many bytes of the body are left.
    Length(u64),
    UntilClose,
    Chunked,
    Trailers,
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The input is used up.
    More,
    /// The message is complete, and the input stands behind it.
    Complete,
}

/// The rest cannot be told apart any more; the anomaly is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GaveUp;

impl Message {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.block.held_bytes() + self.body.held_bytes()
    }

    /// No message yet.
    pub(super) fn new(direction: Direction) -> Self {
        Message {
            head: Head::new(Kind { direction, is_1_0: false, bodiless: false }),
            part: Part::Head,
            block: HeaderBlock::default(),
            chunked: Chunked::default(),
            body: Body::default(),
            read_as: HttpFraming::default(),
            others: None,
        }
    }

    /// What of a request is under way; `None` for a body whose end nothing tells.
    pub(super) fn request_part(&self) -> Option<RequestPart> {
        match self.part {
            Part::Head => Some(RequestPart::Head),
            Part::Length(_) | Part::Chunked | Part::Trailers => Some(RequestPart::Body),
            Part::UntilClose => None,
        }
    }

    /// A start line went by.
    pub(super) fn begin(&mut self, kind: Kind) {
        self.head = Head::new(kind);
        self.part = Part::Head;
    }

    /// How messages are read whose framing has several readings.
    pub(super) fn read_as(&mut self, framing: HttpFraming) {
        self.read_as = framing;
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the head that was just read has other readings.
    pub(super) fn has_others(&self) -> bool {
        self.others.is_some()
    }

    /// Those, once.
    pub(super) fn take_others(&mut self) -> Option<Framings> {
        self.others.take()
    }

    /// Whether so many more bytes, and what comes behind them, are of its body, and are not held.
    pub(super) fn is_in_body_behind(&self, bytes: usize) -> bool {
        let is_behind = match self.part {
            Part::Length(left) => left > bytes as u64,
            Part::UntilClose => true,
            Part::Head | Part::Chunked | Part::Trailers => false,
        };
        is_behind && self.body.holds_nothing()
    }

    /// Whether all that follows is its body.
    pub(super) fn is_until_close(&self) -> bool {
        self.part == Part::UntilClose
    }

    /// Goes on behind a head, where the body has that framing.
    pub(super) fn resume<S: AppSink>(
        &mut self,
        head: &Head,
        framing: Framing,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Progress {
        self.head = head.clone();
        self.read_as = HttpFraming::Compat;
        self.enter(framing, &mut None, decoders, out)
    }

    /// There is no start line, no header block and no length: what was held of one, and all that follows, is body.
    pub(super) fn begin_bare_body<S: AppSink>(
        &mut self,
        held: &[u8],
        mut transaction: Option<&mut HttpTransaction>,
        out: &mut Emitter<'_, S>,
    ) {
        self.part = Part::UntilClose;
        self.body.begin_bare();
        self.begin_file(&mut transaction);
        out.data(self.body_field(), held);
        self.count(held.len() as u64, &mut transaction);
    }

    /// What its header lines say of the protocol that follows.
    pub(super) fn offer(&self) -> Offer {
        self.head.offer()
    }

    /// Reads on; `transaction` is told what is of interest, and nothing of an interim response.
    pub(super) fn read<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        mut transaction: Option<&mut HttpTransaction>,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Result<Progress, GaveUp> {
        while !input.is_empty() {
            let progress = match self.part {
                Part::Head => {
                    let progress = self.read_head(input, &mut transaction, decoders, out)?;
                    if self.others.is_some() && progress == Progress::More {
                        return Ok(progress);
                    }
                    progress
                }
                Part::Length(left) => self.read_length(left, input, &mut transaction, decoders, out),
                Part::UntilClose => {
                    let data = std::mem::take(input);
                    self.body.data(self.body_field(), data, decoders, out);
                    self.count(data.len() as u64, &mut transaction);
                    Progress::More
                }
                Part::Chunked => self.read_chunked(input, &mut transaction, decoders, out)?,
                Part::Trailers => self.read_trailers(input, out)?,
            };
            if progress == Progress::Complete {
                self.complete_file(&mut transaction);
                self.body.end(self.body_field(), decoders, out);
                out.end();
                self.tell_inner_files(&mut transaction);
                return Ok(progress);
            }
        }
        Ok(Progress::More)
    }

    /// So many bytes are missing. Where their end is certain, reading goes on behind them.
    pub(super) fn skip<S: AppSink>(
        &mut self,
        bytes: u64,
        mut transaction: Option<&mut HttpTransaction>,
        out: &mut Emitter<'_, S>,
    ) -> Result<Progress, GaveUp> {
        out.anomaly(AppAnomaly::Gap);
        if let Some(file) = self.file(&mut transaction) {
            file.has_gap = true;
        }
        self.body.gap(self.body_field(), out);
        let mut progress = Progress::More;
        match self.part {
            Part::Length(left) if bytes < left => self.part = Part::Length(left - bytes),
            Part::Length(left) if bytes == left => progress = Progress::Complete,
            Part::UntilClose => {}
            Part::Chunked if self.chunked.skip(bytes) => {}
            Part::Head | Part::Length(_) | Part::Chunked | Part::Trailers => return Err(GaveUp),
        }
        // Bytes behind the gap are an instance of their own: nothing that spans it was ever sent like that.
        out.end();
        self.count(bytes, &mut transaction);
        if progress == Progress::Complete {
            self.complete_file(&mut transaction);
        }
        Ok(progress)
    }

    /// Nothing follows.
    pub(super) fn close<S: AppSink>(
        &mut self,
        mut transaction: Option<&mut HttpTransaction>,
        out: &mut Emitter<'_, S>,
    ) -> Progress {
        if self.part == Part::UntilClose {
            self.complete_file(&mut transaction);
        }
        self.block.abandon(out);
        self.body.close(self.body_field(), out);
        out.end();
        self.tell_inner_files(&mut transaction);
        if self.part == Part::UntilClose { Progress::Complete } else { Progress::More }
    }

    /// The bytes that were taken and neither emitted nor used.
    pub(super) fn held(&self) -> &[u8] {
        self.block.held()
    }

    /// Gives back memory beyond so many bytes, while none is under way.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        self.block.trim(bytes_max);
    }

    fn read_head<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        transaction: &mut Option<&mut HttpTransaction>,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Result<Progress, GaveUp> {
        match self.block.read(input, &mut self.head, transaction, out) {
            BlockRead::More => return Ok(Progress::More),
            BlockRead::TooLong => {
                out.anomaly(AppAnomaly::TooLong);
                return Err(GaveUp);
            }
            BlockRead::End => out.end(),
        }
        if let Some(product) = transaction.as_ref().and_then(|transaction| transaction.product) {
            out.product(product);
        }
        let told = self.head.framing(out);
        let framing = match self.read_as {
            HttpFraming::Compat => {
                if self.head.ends_for_some() {
                    out.anomaly(AppAnomaly::Readings);
                }
                let (framing, others) = self.head.framings(told);
                self.others = others;
                Some(framing)
            }
            HttpFraming::Strict => told,
        };
        let Some(framing) = framing else {
            // Whatever it carries is not read as such.
            self.begin_file(transaction);
            return Err(GaveUp);
        };
        Ok(self.enter(framing, transaction, decoders, out))
    }

    /// The body begins, if there is one.
    fn enter<S: AppSink>(
        &mut self,
        framing: Framing,
        transaction: &mut Option<&mut HttpTransaction>,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Progress {
        match framing {
            Framing::Length(0) => self.body.begin_bare(),
            Framing::Length(_) | Framing::Chunked | Framing::UntilClose => {
                let (codings, content_type) = (self.head.codings(framing), self.head.content_type());
                self.body.begin(&codings, content_type, self.body_field(), decoders, out);
            }
        }
        if framing != Framing::Length(0) && !self.body.has_parts() {
            self.begin_file(transaction);
        }
        self.part = match framing {
            Framing::Length(0) => return Progress::Complete,
            Framing::Length(bytes) => Part::Length(bytes),
            Framing::UntilClose => Part::UntilClose,
            Framing::Chunked => {
                self.chunked = Chunked::default();
                Part::Chunked
            }
        };
        Progress::More
    }

    fn read_length<S: AppSink>(
        &mut self,
        left: u64,
        input: &mut &[u8],
        transaction: &mut Option<&mut HttpTransaction>,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Progress {
        let len = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let (data, rest) = input.split_at(len);
        *input = rest;
        self.body.data(self.body_field(), data, decoders, out);
        self.count(data.len() as u64, transaction);
        let left = left - data.len() as u64;
        self.part = Part::Length(left);
        if left == 0 { Progress::Complete } else { Progress::More }
    }

    fn read_chunked<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        transaction: &mut Option<&mut HttpTransaction>,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) -> Result<Progress, GaveUp> {
        let (field, mut data_bytes) = (self.body_field(), 0);
        let read = self.chunked.read(input, |data| {
            data_bytes += data.len() as u64;
            self.body.data(field, data, decoders, out);
        });
        self.count(data_bytes, transaction);
        match read {
            Ok(ChunkedRead::More) => {}
            Ok(ChunkedRead::Last) => {
                self.body.end(self.body_field(), decoders, out);
                out.end();
                // Trailers never change the framing (RFC 9110 §6.5.1): nobody asks this head for it.
                self.head = Head::new(self.head.kind());
                self.part = Part::Trailers;
            }
            Err(anomaly) => {
                out.anomaly(anomaly);
                return Err(GaveUp);
            }
        }
        Ok(Progress::More)
    }

    fn read_trailers<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        out: &mut Emitter<'_, S>,
    ) -> Result<Progress, GaveUp> {
        match self.block.read(input, &mut self.head, &mut None, out) {
            BlockRead::More => Ok(Progress::More),
            BlockRead::End => {
                if self.read_as == HttpFraming::Compat && self.head.ends_for_some() {
                    out.anomaly(AppAnomaly::Readings);
                }
                Ok(Progress::Complete)
            }
            BlockRead::TooLong => {
                out.anomaly(AppAnomaly::TooLong);
                Err(GaveUp)
            }
        }
    }

    fn body_field(&self) -> Field {
        match self.head.kind().direction {
            Direction::ToServer => Field::HttpRequestBody,
            Direction::ToClient => Field::HttpResponseBody,
        }
    }

    fn count(&mut self, body_bytes: u64, transaction: &mut Option<&mut HttpTransaction>) {
        self.body.count(body_bytes);
        let Some(transaction) = transaction else { return };
        let counter = match self.head.kind().direction {
            Direction::ToServer => &mut transaction.request_bytes,
            Direction::ToClient => &mut transaction.response_bytes,
        };
        *counter = counter.saturating_add(body_bytes);
        transaction.files[self.head.kind().direction as usize].bytes = self.body.content_bytes();
    }

    fn file<'t>(&self, transaction: &'t mut Option<&mut HttpTransaction>) -> Option<&'t mut HttpFile> {
        let transaction = transaction.as_deref_mut()?;
        Some(&mut transaction.files[self.head.kind().direction as usize])
    }

    fn begin_file(&self, transaction: &mut Option<&mut HttpTransaction>) {
        if let Some(file) = self.file(transaction) {
            file.begin();
        }
    }

    /// Files within the body that is over.
    fn tell_inner_files(&mut self, transaction: &mut Option<&mut HttpTransaction>) {
        if let Some(files) = self.body.take_inner_files()
            && let Some(transaction) = transaction
        {
            let direction = self.head.kind().direction;
            transaction.inner_files.extend(files.into_iter().map(|file| (direction, file)));
        }
    }

    fn complete_file(&self, transaction: &mut Option<&mut HttpTransaction>) {
        if let Some(file) = self.file(transaction) {
            file.complete();
        }
    }
}
