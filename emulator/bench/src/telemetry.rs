//! What sending telemetry costs.

use std::sync::Arc;
use std::time::Duration;

use stand_ins::app_insights::{AppInsights, Fault, Item};

use super::client::{Client, Known, Task};
use super::figures::Figure;
use super::load::{Measured, Spent};
use super::request::Door;
use super::system::{PATIENT_APP, System, text};
use super::{Bench, CALLERS_TYPICAL, load};

/// How often either system has its turn; in turn, since the machine's speed changes.
const TURNS: usize = 3;

/// How long the first of it may be on its way.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(10);

/// The most that telemetry may cost.
const RATIO_MAX: f64 = 1.15;

impl Bench {
    /// Compares a second system that sends telemetry with the first one, which does not.
    pub(crate) async fn measure_telemetry(&mut self, known: &Arc<Known>) -> Result<(), String> {
        let insights = AppInsights::start().await.map_err(text)?;
        let to = Some(insights.connection_string());
        let watched = System::start(&self.options.functions, to).await?;
        watched.try_out().await?;
        // The hosts report as well, and sooner.
        let is_the_apps = |item: &Arc<Item>| item.role() == Some(PATIENT_APP);
        let arrived = |items: &[_]| items.iter().any(is_the_apps);
        if !insights.until(arrived, ARRIVAL_TIME_MAX).await {
            return Err("telemetry does not arrive".to_owned());
        }
        if let Some(rejection) = insights.rejected().first() {
            return Err(format!("telemetry was rejected: {}", rejection.reason));
        }
        // From here on it is taken unread: reading would compete for the processors, which Azure's
        // endpoint does not.
        insights.fail(Some(Fault::Status(200)));
        let mut silent = Spent::default();
        let mut telling = Spent::default();
        for _ in 0..TURNS {
            for (system, spent) in [(&self.system, &mut silent), (&watched, &mut telling)] {
                let measured = self.create_patients(system, known).await?;
                spent.add(&measured, measured.cpu_of_handlers());
            }
        }
        let cost = telling.cpu_us_per_request() / silent.cpu_us_per_request();
        let figure = Figure::new("CPU per CreatePatient, with telemetry to without", "×", cost);
        self.report.figures.push(figure.target(RATIO_MAX));
        Ok(())
    }

    async fn create_patients(
        &self,
        system: &System,
        known: &Arc<Known>,
    ) -> Result<Measured, String> {
        let entrance = system.entrance(Door::Handler)?;
        let clients = Client::several(CALLERS_TYPICAL, &entrance, Task::CreatePatient, known);
        let measured = load::measure(clients, self.extent.timing, system.processes()?).await;
        measured.failures.check()?;
        Ok(measured)
    }
}
