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
    error: &'static str,
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
        for RefusedRequest { error, request } in bodies::refused(patient_id) {
            let cpu_ms = self.patient_app_cpu_ms(&system, &request).await?;
            let to_accepting = cpu_ms / accepted_ms;
            println!("{error:<32} {cpu_ms:>8.2} {to_accepting:>10.2}");
            self.report.refusals.push(Refusal { error, cpu_ms, to_accepting });
        }
        let by_cost = |a: &&Refusal, b: &&Refusal| a.cpu_ms.total_cmp(&b.cpu_ms);
        let costliest = self.report.refusals.iter().max_by(by_cost).ok_or("nothing is refused")?;
        let accepting = Figure::new("CPU time to accept a body of 1 MiB", "ms", accepted_ms);
        let name = format!("  to refuse {}, relative to that", costliest.error);
        let refusing = Figure::new(name, "×", costliest.to_accepting).target(RATIO_MAX);
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
