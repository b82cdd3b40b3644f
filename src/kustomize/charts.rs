//! `helmCharts` and `HelmChartInflationGenerator`.

use super::KustomizeError;
use super::resource::Resource;
use super::spec::HelmChart;
use crate::value::Origin;

/// The resources of a chart.
pub fn render(chart: &HelmChart, origin: &Origin) -> Result<Vec<Resource>, KustomizeError> {
    let name = [&chart.name, &chart.chart_name].into_iter().find(|it| !it.is_empty()).cloned().unwrap_or_default();
    let reason = "charts in kustomizations are not understood yet".to_owned();
    Err(KustomizeError::Chart { name, reason, origin: origin.clone() })
}
