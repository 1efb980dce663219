//! The parts of a body of HTTP (RFC 7578, RFC 2046 §5.1): fields of a form and files, as they come.

use dlp_patterns::Field;

use super::members::HttpMembers;
use crate::app::{
    AppAnomaly, AppSink, Depth, HttpFile,
    content_type::ContentType,
    emitter::{Emitter, ValueDepth},
    mime::{Coding, Entity, LinePieces, Mime, MimeOdd, MimeSink, Nesting, Parameters},
};
use crate::content::{Decoders, Media, Transcoder, Values};
use crate::limits::{HTTP_FILES_TOLD_MAX, HTTP_PARTS_NESTING_MAX};

/// A multipart under way. A part with a name of a file is one; what else there is are values.
#[derive(Debug)]
pub(super) struct HttpParts {
    pieces: LinePieces,
    mime: Mime,
    said: Said,
}

/// What it says, as far as it was read.
#[derive(Debug, Default)]
struct Said {
    /// Files that are over, and are told with the message.
    files: Vec<HttpFile>,
    part: Part,
    /// Whether the header at hand has named the part.
    is_named: bool,
}

/// The part at hand.
#[derive(Debug, Default)]
enum Part {
    File(HttpFile, HttpMembers),
    Value {
        media: Media,
        values: Values,
        transcoder: Option<Transcoder>,
    },
    /// None, or one that nobody hears of.
    #[default]
    None,
}

/// What it says, on its way to who listens.
struct Telling<'t, 'a, S> {
    said: &'t mut Said,
    /// That of the body.
    field: Field,
    /// None where nothing more is decoded.
    decoders: Option<&'t mut Decoders>,
    out: &'t mut Emitter<'a, S>,
}

impl HttpParts {
    /// A body begins whose parts this stands between.
    pub(super) fn new(boundary: &[u8]) -> HttpParts {
        let nesting = Nesting { levels_max: HTTP_PARTS_NESTING_MAX, are_mails_read: false };
        let (pieces, mime) = (LinePieces::default(), Mime::of_parts(nesting, boundary));
        HttpParts { pieces, mime, said: Said::default() }
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let files = self.said.files.iter().map(|file| size_of::<HttpFile>() + file.held_bytes());
        let members = match &self.said.part {
            Part::File(_, members) => members.held_bytes(),
            Part::Value { .. } | Part::None => 0,
        };
        size_of::<HttpParts>()
            + self.pieces.held_bytes()
            + self.mime.held_bytes()
            + members
            + files.sum::<usize>()
    }

    /// The next bytes of it.
    pub(super) fn data<S: AppSink>(
        &mut self,
        field: Field,
        mut bytes: &[u8],
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        let HttpParts { pieces, mime, said } = self;
        let mut telling = Telling { said, field, decoders: Some(decoders), out };
        let read = pieces.read(&mut bytes, |piece| {
            mime.piece(piece, &mut telling);
            Ok::<(), ()>(())
        });
        debug_assert_eq!(read, Ok(()));
        if mime.is_in_part() {
            pieces.show_begun(|piece| mime.piece(piece, &mut telling));
        }
    }

    /// Bytes of it are missing: what follows is read from the next delimiter on.
    pub(super) fn gap<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        if let Part::File(file, members) = &mut self.said.part {
            file.has_gap = true;
            members.gap(out);
        }
        self.pieces = LinePieces::default();
        self.mime.interrupt(&mut Telling { said: &mut self.said, field, decoders: None, out });
    }

    /// Nothing follows. Returns the files in it.
    pub(super) fn finish<S: AppSink>(mut self, field: Field, out: &mut Emitter<'_, S>) -> Vec<HttpFile> {
        let HttpParts { pieces, mime, said } = &mut self;
        let mut telling = Telling { said, field, decoders: None, out };
        pieces.finish(|piece| mime.piece(piece, &mut telling));
        if !mime.is_over() {
            telling.out.anomaly(AppAnomaly::Multipart);
        }
        mime.finish(&mut telling);
        self.said.files
    }
}

impl Said {
    fn keep<S: AppSink>(&mut self, file: HttpFile, out: &mut Emitter<'_, S>) {
        if self.files.len() < HTTP_FILES_TOLD_MAX {
            self.files.push(file);
        } else {
            out.anomaly(AppAnomaly::MessageCut);
        }
    }
}

impl<S: AppSink> MimeSink for Telling<'_, '_, S> {
    /// It is a part of the body, and read there.
    fn header(&mut self, _: &[u8]) {}

    fn field(&mut self, _: bool, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"content-disposition") {
            let parameters = Parameters::new(value);
            let is_odd = parameters.is_odd(b"name") || parameters.is_odd(b"filename");
            if std::mem::replace(&mut self.said.is_named, true) || is_odd {
                self.out.anomaly(AppAnomaly::Multipart);
            }
        }
    }

    fn end_header(&mut self, _: bool) {
        self.said.is_named = false;
    }

    fn begin(&mut self, entity: Entity) {
        // RFC 7578 §4.7: nobody is to write one, and most do not read it.
        if entity.coding != Coding::Plain {
            self.out.anomaly(AppAnomaly::Multipart);
        }
        let Entity { file_name, form_name, content_type, .. } = entity;
        self.said.part = if let Some(name) = file_name.filter(|name| !name.is_empty()) {
            self.out.whole(Field::FileName, &name);
            let mut file = HttpFile::named(&name);
            file.begin();
            let mut members = HttpMembers::default();
            members.begin(self.out);
            Part::File(file, members)
        } else if self.out.is_heard(self.field) {
            self.out.data_at(Depth::Part, self.field, &form_name);
            if !form_name.is_empty() {
                self.out.data_at(Depth::Part, self.field, b"=");
            }
            let content_type = ContentType::of(&content_type);
            let transcoder = content_type.charset().map(crate::content::Charset::transcoder);
            Part::Value { media: content_type.media(), values: Values::default(), transcoder }
        } else {
            Part::None
        };
    }

    fn data(&mut self, bytes: &[u8]) {
        let Telling { said, field, decoders, out } = self;
        let field = *field;
        match &mut said.part {
            Part::File(file, members) => {
                file.bytes += bytes.len() as u64;
                out.data_at(Depth::Part, Field::FileData, bytes);
                if let Some(decoders) = decoders {
                    members.data(bytes, decoders, out);
                }
            }
            Part::Value { media, values, transcoder } => {
                let mut tell = |text: &[u8]| {
                    out.data_at(Depth::Part, field, text);
                    out.values((values, *media), ValueDepth::Wire, field, text);
                };
                match transcoder {
                    Some(transcoder) => transcoder.push(bytes, tell),
                    None => tell(bytes),
                }
            }
            Part::None => {}
        }
    }

    fn end(&mut self, is_whole: bool) {
        let Telling { said, field, decoders, out } = self;
        let field = *field;
        match std::mem::take(&mut said.part) {
            Part::File(mut file, mut members) => {
                match decoders {
                    Some(decoders) => members.end(decoders, out),
                    None => members.close(out),
                }
                for member in members.take_files() {
                    said.keep(member, out);
                }
                if is_whole {
                    file.complete();
                }
                said.keep(file, out);
            }
            Part::Value { media, mut values, transcoder } => {
                if let Some(transcoder) = transcoder {
                    transcoder.finish(|text| {
                        out.data_at(Depth::Part, field, text);
                        out.values((&mut values, media), ValueDepth::Wire, field, text);
                    });
                }
                values.finish(|piece| out.value(ValueDepth::Wire, field, piece));
            }
            Part::None => {}
        }
        out.end_at(Depth::Part);
    }

    fn odd(&mut self, odd: MimeOdd) {
        self.out.anomaly(match odd {
            MimeOdd::HeaderCut | MimeOdd::Depth => AppAnomaly::MessageCut,
            MimeOdd::Delimiter | MimeOdd::LineFeed | MimeOdd::HeaderEnd | MimeOdd::BehindLast => {
                AppAnomaly::Multipart
            }
        });
    }
}
