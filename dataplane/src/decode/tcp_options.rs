//! [`TcpOptions`]: the options of a TCP segment, one after the other (RFC 9293 §3.1).

const END: u8 = 0;
const NO_OPERATION: u8 = 1;

/// Yields each option that has data, with its kind and its length in front, as hosts walk them: the first broken one ends the walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpOptions<'o>(pub(super) &'o [u8]);

impl<'o> Iterator for TcpOptions<'o> {
    type Item = &'o [u8];

    #[inline]
    fn next(&mut self) -> Option<&'o [u8]> {
        loop {
            match *self.0 {
                [] | [END, ..] => return None,
                [NO_OPERATION, ref behind @ ..] => self.0 = behind,
                [_, length, ..] if length >= 2 => {
                    let (option, rest) = self.0.split_at_checked(length.into())?;
                    self.0 = rest;
                    return Some(option);
                }
                [_] | [_, ..] => return None,
            }
        }
    }
}
