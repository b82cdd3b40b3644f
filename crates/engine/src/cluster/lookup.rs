//! What templates look up: one object by its name, or all of a kind.

use super::live::typed;
use super::{Cluster, ClusterError};
use weft_base::value::{Data, Map, Value};
use weft_schema::{Discovery, Gvk, Scope};
use weft_stages::chart::LookupRequest;
use weft_stages::manifest::ObjectId;

impl Cluster {
    /// The live object that a template asks for, or a list where it names none; `None` where it is not there, or its kind
    /// is not served. What is secret is in it.
    pub async fn look_up(&self, asked: &LookupRequest, discovery: &Discovery) -> Result<Option<Value>, ClusterError> {
        let gvk = Gvk::new(&asked.api_version, &asked.kind);
        let Some(resource) = discovery.resource(&gvk) else { return Ok(None) };
        let namespace =
            Some(asked.namespace.clone()).filter(|it| !it.is_empty() && resource.scope == Scope::Namespaced);
        if !asked.name.is_empty() {
            let id = ObjectId { kind: gvk.group_kind(), namespace, name: asked.name.clone() };
            return Ok(self.get(&id, resource).await?.map(|it| it.body));
        }
        let mut items = Vec::new();
        self.list(resource, namespace.as_deref(), "", &mut |item| items.push(typed(item, &gvk))).await?;
        let list: Map = [
            ("apiVersion", Value::from(asked.api_version.clone())),
            ("kind", Value::from(format!("{}List", asked.kind))),
            ("metadata", Value::from(Data::Map(Map::new()))),
            ("items", Value::from(items)),
        ]
        .into_iter()
        .collect();
        Ok(Some(Value::from(Data::Map(list))))
    }
}
