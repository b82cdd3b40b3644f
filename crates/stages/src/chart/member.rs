//! Which charts take part in a release: Helm's `ProcessDependencies`.
//!
//! Conditions and tags switch the charts below on and off, aliases rename them, and `import-values` takes values of
//! theirs over into the chart above.

use super::ChartError;
use super::coalesce::{self, How, lay_under};
use super::metadata::{Dependency, Import};
use super::package::Package;
use super::table::{Node, Table};
use super::version;
use weft_base::value::Origin;

/// A chart in a release, with those that are switched on below it.
#[derive(Clone, Debug)]
pub struct Member<'p> {
    /// The chart's files.
    pub package: &'p Package,
    /// The name that it goes by.
    pub name: &'p str,
    /// Its defaults, with what it took over from charts below.
    pub values: Table<'p>,
    /// The charts below.
    pub dependencies: Vec<Member<'p>>,
    /// What it says of them; `None` where it says nothing.
    pub wants: Option<Vec<EnabledDependency<'p>>>,
}

/// A chart that another one wants.
#[derive(Clone, Debug)]
pub struct EnabledDependency<'p> {
    /// What it says of it.
    pub says: &'p Dependency,
    enabled: bool,
}

/// The charts of a release with these values of users.
pub fn members<'p>(package: &'p Package, values: &Table<'p>) -> Result<Member<'p>, ChartError> {
    let mut root = Member::of(package);
    root.enable(values, "")?;
    root.import()?;
    Ok(root)
}

impl<'p> Member<'p> {
    fn of(package: &'p Package) -> Self {
        let wanted = |says| EnabledDependency { says, enabled: true };
        Self {
            package,
            name: &package.metadata.name,
            values: Table::of_value(&package.values),
            dependencies: package.dependencies.iter().map(|it| Self::of(it)).collect(),
            wants: package.metadata.dependencies.as_ref().map(|all| all.iter().map(wanted).collect()),
        }
    }

    /// The line of a template at a place of its file.
    pub fn line(&self, origin: &Origin) -> Option<String> {
        let file = origin.file.as_deref()?;
        let below = file.strip_prefix(&self.package.folder).and_then(|it| it.strip_prefix('/'));
        let found = below.and_then(|name| self.package.templates.iter().find(|it| it.name == name));
        match found {
            Some(found) => {
                let at = usize::try_from(origin.mark.line).ok()?.checked_sub(1)?;
                found.text(file).ok()?.lines().nth(at).map(|line| line.trim().to_owned())
            }
            None => self.dependencies.iter().find_map(|it| it.line(origin)),
        }
    }

    /// Does something with the chart and with all below it, each with the names that lead to it.
    pub fn each<'m>(
        &'m self,
        act: &mut impl FnMut(&'m Self, &[&'p str]) -> Result<(), ChartError>,
    ) -> Result<(), ChartError> {
        self.each_below(&mut Vec::new(), act)
    }

    fn each_below<'m>(
        &'m self,
        path: &mut Vec<&'p str>,
        act: &mut impl FnMut(&'m Self, &[&'p str]) -> Result<(), ChartError>,
    ) -> Result<(), ChartError> {
        act(self, path)?;
        for below in &self.dependencies {
            path.push(below.name);
            below.each_below(path, act)?;
            path.pop();
        }
        Ok(())
    }

    /// Keeps the charts below that are switched on; `path` leads to this chart's values.
    fn enable(&mut self, values: &Table<'p>, path: &str) -> Result<(), ChartError> {
        let Some(mut wants) = self.wants.take() else { return Ok(()) };
        self.dependencies = self.named(&wants);
        let all = coalesce::values(self, values, How::Coalesce)?;
        if let Some(tags) = all.table("tags") {
            for it in &mut wants {
                it.switch_by_tags(&tags);
            }
        }
        for it in &mut wants {
            it.switch_by_condition(&all, path);
        }
        let off: Vec<&str> = wants.iter().filter(|it| !it.enabled).map(|it| it.says.goes_by()).collect();
        self.dependencies.retain(|it| !off.contains(&it.name));
        wants.retain(|it| !off.contains(&it.says.goes_by()));
        for below in &mut self.dependencies {
            below.enable(&all, &format!("{path}{}.", below.name))?;
        }
        self.wants = Some(wants).filter(|it| !it.is_empty());
        Ok(())
    }

    /// The charts below: those that nothing is said of, then the others in the order in which they are wanted, each
    /// under the name that it goes by.
    fn named(&self, wants: &[EnabledDependency<'p>]) -> Vec<Member<'p>> {
        let fits = |it: &Member, wanted: &EnabledDependency| {
            it.name == wanted.says.name && version::fits(&wanted.says.version, &it.package.metadata.version)
        };
        let unsaid = self.dependencies.iter().filter(|it| !wants.iter().any(|wanted| fits(it, wanted))).cloned();
        let said = wants.iter().filter_map(|wanted| {
            let found = self.dependencies.iter().find(|it| fits(it, wanted))?;
            let name = if wanted.says.alias.is_empty() { found.name } else { &wanted.says.alias };
            Some(Member { name, ..found.clone() })
        });
        unsaid.chain(said).collect()
    }

    /// Takes values over from the charts below, the lowest first.
    fn import(&mut self) -> Result<(), ChartError> {
        self.dependencies.iter_mut().try_for_each(Self::import)?;
        let Some(wants) = &self.wants else { return Ok(()) };
        let all = coalesce::values(self, &Table::default(), How::Merge)?;
        let taken = Table::default();
        for EnabledDependency { says, .. } in wants {
            for import in &says.import_values {
                let from = |path: &str| all.table(&format!("{}.{path}", says.goes_by()));
                let found = match import {
                    Import::Export(name) => from(&format!("exports.{name}")),
                    Import::At { child, parent } => from(child).map(|table| below(parent, table)),
                };
                if let Some(found) = found {
                    lay_under(&taken, &found, How::Merge);
                }
            }
        }
        let values = all.copy();
        lay_under(&values, &taken, How::Merge);
        self.values = values;
        Ok(())
    }
}

/// The table at a dotted path.
fn below<'p>(path: &'p str, table: Table<'p>) -> Table<'p> {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |table, key| Table::single(key, Node::Table(table)))
}

impl<'p> EnabledDependency<'p> {
    /// One tag that is on suffices; without any, one that is off switches the chart off.
    fn switch_by_tags(&mut self, tags: &Table<'p>) {
        let said: Vec<bool> = self.says.tags.iter().filter_map(|tag| tags.get(tag)?.boolean()).collect();
        self.enabled = said.is_empty() || said.contains(&true);
    }

    /// The first of its conditions that is a boolean decides.
    fn switch_by_condition(&mut self, values: &Table<'p>, path: &str) {
        let mut conditions = self.says.condition.trim().split(',').filter(|it| !it.is_empty());
        let decided = conditions.find_map(|it| values.leaf(&format!("{path}{it}"))?.boolean());
        self.enabled = decided.unwrap_or(self.enabled);
    }
}
