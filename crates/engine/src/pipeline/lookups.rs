//! Renders charts that look up live objects. After each rendering the objects that the templates asked for are read, until
//! they ask for nothing new.

use std::sync::Arc;

use futures::StreamExt as _;

use super::{PipelineError, Project, ReleaseValues, Rendering, pool};
use crate::cluster::Cluster;
use weft_base::diagnostic::Failure;
use weft_schema::Discovery;
use weft_stages::chart::{Lookups, RenderOptions};

/// How often charts are rendered to find what they look up. Each rendering uses the objects read before it.
const ROUNDS: usize = 8;
/// Lookups that are read at once; how many requests are sent is decided by the cluster.
const READS: usize = 16;

/// Renders the releases of a project; those with `lookup: true` see the live objects of the cluster.
pub(super) async fn render(
    project: &Project,
    releases: Vec<ReleaseValues>,
    discovery: &Arc<Discovery>,
    making: RenderOptions,
    cluster: &Cluster,
) -> Result<Rendering, Failure> {
    if !releases.iter().any(|it| it.release.lookup) {
        return super::render(project, releases, discovery, &making);
    }
    let mut lookups = Arc::new(Lookups::default());
    for _ in 0..ROUNDS {
        let making = RenderOptions { live: Some(Arc::clone(&lookups)), ..making.clone() };
        // A chart may fail since it does not see yet what it asked for: that counts when all is known.
        let looking = pool::each(releases.iter().filter(|it| it.release.lookup), |it| {
            Ok(super::rendered(project, it, discovery, &making).is_ok())
        });
        looking?;
        let open = lookups.open();
        if open.is_empty() {
            return super::render(project, releases, discovery, &making);
        }
        let reads = open.into_iter().map(|asked| async {
            let found = cluster.look_up(&asked, discovery).await?;
            Ok::<_, Failure>((asked, found))
        });
        let answers: Vec<_> = futures::stream::iter(reads).buffered(READS).collect().await;
        lookups = Arc::new(lookups.with(Failure::collect(answers)?));
    }
    Err(PipelineError::Lookups { asked: lookups.open_in_words() }.into())
}
