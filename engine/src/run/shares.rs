//! How the workers of a link share its flows, where the frames of one flow may come in at several.

use af_xdp::{LentFrame, Queue};
use anyhow::Context;
use dataplane::pipeline::Owners;

use super::crew::Post;
use super::worker_settings::secret_seed;
use crate::config::LinkConfig;
use crate::failure::Failure;
use crate::lending::{self, Lending};

/// Who owns which flow of a link; `None` where each frame comes in at its owner's queue anyway.
pub(super) fn owners(config: &LinkConfig, queues: usize, link: u16) -> Option<Owners> {
    let is_shared = queues > 1 && !config.symmetric_queues;
    is_shared.then(|| Owners::new(secret_seed(), queues, link))
}

/// For the workers of a link that was opened again: one for each queue.
pub(super) fn posts(config: &LinkConfig, queues: Vec<Queue>, link: u16) -> Result<Vec<Post>, Failure> {
    let lendings = lendings(owners(config, queues.len(), link), &queues)?;
    let posts = queues.into_iter().zip(lendings);
    Ok(posts.map(|(queue, lending)| Post { queue, pipeline: None, lending }).collect())
}

/// How each worker reaches the others, by queue; nothing without `owners`.
pub(super) fn lendings(
    owners: Option<Owners>,
    queues: &[Queue],
) -> Result<Vec<Option<Lending<LentFrame>>>, Failure> {
    let Some(owners) = owners else { return Ok(queues.iter().map(|_| None).collect()) };
    let lent_max = queues.iter().map(Queue::lent_max).min().unwrap_or(0);
    let exchanges =
        lending::between(queues.len(), lent_max).context("workers of a link cannot wake each other")?;
    Ok(exchanges.into_iter().map(|exchange| Some(Lending::new(owners.clone(), exchange))).collect())
}
