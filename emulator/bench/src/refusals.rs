//! The CPU cost of refusing a large body, compared with accepting one.

use serde::Serialize;

use super::bodies::{self, RefusedRequest};
use super::client::Repeating;
use super::comparison::Build;
use super::figures::Figure;
use super::request::{EntryPoint, Request};
use super::system::System;
use super::{Bench, load};

/// The largest allowed cost of refusing, relative to accepting.
const RATIO_MAX: f64 = 2.0;

/// A refused body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    mistake: &'static str,
    cpu_ms: f64,
    to_accepting: f64,
}

impl Bench {
    /// Uses a separate system, since large bodies take memory.
    pub(crate) async fn measure_refusals(&mut self) -> Result<(), String> {
        let Build { system, data } = Build::start(&self.options.functions, self.scale).await?;
        let patient_id = data.ids.first().ok_or("there are no patients")?;
        println!("\n{:<32} {:>8} {:>10}", "bodies of 1 MiB", "CPU ms", "÷accepted");
        let accepted_ms =
            self.patient_app_cpu_ms(&system, &bodies::largest_test(patient_id)).await?;
        println!("{:<32} {accepted_ms:>8.2}", "a test that is accepted");
        for RefusedRequest { mistake, request } in bodies::refused(patient_id) {
            let cpu_ms = self.patient_app_cpu_ms(&system, &request).await?;
            let to_accepting = cpu_ms / accepted_ms;
            println!("{mistake:<32} {cpu_ms:>8.2} {to_accepting:>10.2}");
            self.report.refusals.push(Refusal { mistake, cpu_ms, to_accepting });
        }
        let by_cost = |a: &&Refusal, b: &&Refusal| a.cpu_ms.total_cmp(&b.cpu_ms);
        let dearest = self.report.refusals.iter().max_by(by_cost).ok_or("nothing is refused")?;
        let accepting = Figure::new("CPU of accepting a body of 1 MiB", "ms", accepted_ms);
        let name = format!("  of refusing {}, to that", dearest.mistake);
        let refusing = Figure::new(name, "×", dearest.to_accepting).target(RATIO_MAX);
        self.report.figures.extend([accepting, refusing]);
        Ok(())
    }

    async fn patient_app_cpu_ms(
        &mut self,
        system: &System,
        request: &Request,
    ) -> Result<f64, String> {
        let target = system.target(EntryPoint::Host)?;
        let caller = || Repeating::several(1, &target, request);
        let times = self.scale.refusals;
        self.report.failures.merge(load::repeat(caller(), 1).await);
        let [before, ..] = system.processes()?.cpu_times();
        self.report.failures.merge(load::repeat(caller(), times).await);
        let [after, ..] = system.processes()?.cpu_times();
        Ok(after.saturating_sub(before).as_secs_f64() * 1e3 / times as f64)
    }
}
