//! The cost of sending telemetry.

use std::sync::Arc;
use std::time::Duration;

use stand_ins::app_insights::{AppInsights, Fault, Item};

use super::client::{Client, Task, TestData};
use super::figures::Figure;
use super::load::{CpuUsage, Measured};
use super::request::EntryPoint;
use super::system::{PATIENT_APP, System, message};
use super::{Bench, CALLERS_TYPICAL, load};

/// The number of alternating rounds, since the machine's speed changes.
const ROUNDS: usize = 3;

/// How long the first item may take to arrive.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(10);

/// The largest allowed cost of telemetry.
const RATIO_MAX: f64 = 1.15;

impl Bench {
    /// Compares a second system that sends telemetry with the first one, which does not.
    pub(crate) async fn measure_telemetry(&mut self, data: &Arc<TestData>) -> Result<(), String> {
        let insights = AppInsights::start().await.map_err(message)?;
        let to = Some(insights.connection_string());
        let reporting = System::start(&self.options.functions, to).await?;
        reporting.smoke_test().await?;
        // The hosts send telemetry too, and sooner.
        let is_the_apps = |item: &Arc<Item>| item.role() == Some(PATIENT_APP);
        let arrived = |items: &[_]| items.iter().any(is_the_apps);
        if !insights.until(arrived, ARRIVAL_TIME_MAX).await {
            return Err("telemetry does not arrive".to_owned());
        }
        if let Some(rejection) = insights.rejected().first() {
            return Err(format!("telemetry was rejected: {}", rejection.reason));
        }
        // From here on the endpoint accepts telemetry without parsing it, which would compete for
        // the processors, as Azure's does not.
        insights.fail(Some(Fault::Status(200)));
        let mut without = CpuUsage::default();
        let mut with = CpuUsage::default();
        for _ in 0..ROUNDS {
            for (system, cpu) in [(&self.system, &mut without), (&reporting, &mut with)] {
                let measured = self.create_patients(system, data).await?;
                cpu.add(&measured, measured.cpu_of_handlers());
            }
        }
        let cost = with.cpu_us_per_request() / without.cpu_us_per_request();
        let figure =
            Figure::new("CPU per CreatePatient with telemetry, relative to without", "×", cost);
        self.report.figures.push(figure.target(RATIO_MAX));
        Ok(())
    }

    async fn create_patients(
        &self,
        system: &System,
        data: &Arc<TestData>,
    ) -> Result<Measured, String> {
        let target = system.target(EntryPoint::Handler)?;
        let clients = Client::several(CALLERS_TYPICAL, &target, Task::CreatePatient, data);
        let measured = load::measure(clients, self.scale.timing, system.processes()?).await;
        measured.failures.check()?;
        Ok(measured)
    }
}
