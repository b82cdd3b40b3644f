//! Comparing without a server, on one core: how many objects a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use weft::cluster::{LivePrefetch, NeighbourCounts, ServedObject};
use weft::diff::{self, Compared, Context, Judged as By, LiveObject, Recorded};
use weft::manifest::{Object, ObjectId};
use weft::schema::Schemas;

use super::cluster::ControlPlane;
use super::judged::Judged;
use super::{Failure, Targets};

/// How often all objects are compared; the fastest counts, since other work only makes it slower.
const ROUNDS: usize = 5;
/// As many objects come at once, as on a page of a LIST: by then they were read, and are near.
const PAGE: usize = 100;

/// A desired object, the live one and the record.
type Triple = (Arc<Object>, LiveObject, Arc<Recorded>);

/// Compares the objects of a plan with the live ones as they are: one thread, everything in memory. It includes the
/// digests of the desired object, of what we own and of its values, and letting go of the live object; not the reading
/// of JSON, for which there is a figure of its own.
pub fn compare(plane: &ControlPlane, judged: &Judged, targets: &mut Targets) -> Result<(), Failure> {
    let (triples, parse) = triples(plane, judged)?;
    let schemas = Schemas::new();
    let context = Context::new(&judged.planned.state.key, &schemas);
    let mut fastest = f64::MAX;
    for _ in 0..ROUNDS {
        let mut took = 0.0;
        for page in triples.chunks(PAGE) {
            let page = page.to_vec();
            let began = Instant::now();
            for (object, live, recorded) in page {
                match diff::compare(&object, Some(live), Some(recorded), None, &context) {
                    Compared::Done(done) if done.judged == By::Recorded => {}
                    other => return Err(format!("an object is not proven unchanged: {other:?}").into()),
                }
            }
            took += began.elapsed().as_secs_f64();
        }
        fastest = fastest.min(took);
    }
    let rate = triples.len() as f64 / fastest;
    println!("  {:.0} objects a second are read from JSON by one core", triples.len() as f64 / parse);
    targets.hold(rate >= 100_000.0, &format!("{rate:.0} objects a second compared by one core"), "at least 100,000");
    Ok(())
}

/// The objects of which a record is kept, and the seconds that reading the live ones took.
fn triples(plane: &ControlPlane, judged: &Judged) -> Result<(Vec<Triple>, f64), Failure> {
    let planned = &judged.planned;
    let objects = planned.plan.steps.iter().filter_map(|step| step.object.desired.clone());
    let mut objects: BTreeMap<ObjectId, (Arc<Object>, Option<Arc<Recorded>>)> =
        objects.map(|object| (object.id.clone(), (object, None))).collect();
    for inventory in planned.state.inventories.values() {
        for (id, member) in &inventory.objects {
            if let Some((_, recorded)) = objects.get_mut(id) {
                recorded.clone_from(&member.recorded);
            }
        }
    }
    let wanted: Vec<ServedObject> = objects
        .values()
        .filter_map(|(object, _)| {
            let resource = planned.discovery.resource(&object.gvk)?.clone();
            Some(ServedObject { id: object.id.clone(), resource })
        })
        .collect();
    let found = Mutex::new((Vec::new(), 0.0));
    let take = |page: weft::cluster::LivePage| {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let read = page.read(&mut |live| found.0.push(live));
        found.1 += began.elapsed().as_secs_f64();
        std::future::ready(read)
    };
    plane
        .runtime()
        .block_on(planned.cluster.read_pages(wanted, LivePrefetch::default(), &NeighbourCounts::new(), &take))
        .map_err(|error| format!("{error:?}"))?;
    let (live, parse) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let triples = live.into_iter().filter_map(|live: LiveObject| {
        let (object, recorded) = objects.get(&live.id)?;
        Some((Arc::clone(object), live, recorded.clone()?))
    });
    Ok((triples.collect(), parse))
}
