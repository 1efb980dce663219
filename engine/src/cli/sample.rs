//! `weir sample-capture`

use std::fs::File;
use std::io::BufWriter;

use anyhow::Context;

use super::SampleArgs;
use crate::failure::Failure;
use crate::sample;

pub(super) fn write(args: &SampleArgs) -> Result<(), Failure> {
    let name = args.file.display();
    let file = File::create(&args.file).with_context(|| name.to_string())?;
    sample::write(BufWriter::new(file)).with_context(|| name.to_string())?;
    Ok(())
}
