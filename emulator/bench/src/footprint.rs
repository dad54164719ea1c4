//! Sizes, starts, and memory before and after many requests.

use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, Known, SEARCHED_POST_CODES, Task};
use super::figures::{Figure, MIB};
use super::request::{Door, Request};
use super::system::{AUDIT_APP, PATIENT_APP, executable, text};
use super::{Bench, CALLERS_TYPICAL, Extent, PATIENTS_PER_POST_CODE, floor, load, process, start};

/// A handler that has just started is not idle yet.
const SETTLING_TIME: Duration = Duration::from_secs(1);

impl Bench {
    pub(crate) async fn measure_idle_memory(&mut self) -> Result<(), String> {
        for app in [PATIENT_APP, AUDIT_APP] {
            let size = std::fs::metadata(executable(&self.options.functions, app)).map_err(text)?;
            let size = Figure::new(format!("executable of {app}"), "MiB", size.len() as f64 / MIB);
            self.report.figures.push(size.target(15.0));
        }
        tokio::time::sleep(SETTLING_TIME).await;
        let idle = self.resident_mib()?;
        self.system.try_out().await?;
        tokio::time::sleep(SETTLING_TIME).await;
        let used = self.resident_mib()?;
        for (app, name) in ["patient app", "audit app"].into_iter().enumerate() {
            let idle = Figure::new(format!("resident idle, {name}"), "MiB", idle[app].0);
            let idle = idle.target(15.0);
            self.report.figures.push(if app == 0 { idle.scaffold_mb(68.0) } else { idle });
            let used =
                Figure::new(format!("resident after one request, {name}"), "MiB", used[app].0);
            self.report.figures.push(used.target(15.0));
        }
        Ok(())
    }

    pub(crate) async fn measure_starts(&mut self) -> Result<(), String> {
        println!("Starting each handler {} times …", self.extent.starts + 1);
        let requests = [|| Request::create_patient(0), Request::create_audit_record];
        for (app, request) in [PATIENT_APP, AUDIT_APP].into_iter().zip(requests) {
            let executable = executable(&self.options.functions, app);
            let settings = &self.system.settings;
            let start = start::measure(&executable, settings, request, self.extent.starts).await?;
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let response =
                Figure::new(format!("{app}, start to answer"), "ms", ms(start.first_response));
            let response = response.target(15.0);
            let is_patient_app = app == PATIENT_APP;
            self.report.figures.push(if is_patient_app {
                response.scaffold(211.0)
            } else {
                response
            });
            let success = format!("{app}, start to first {}", request().function);
            let success = Figure::new(success, "ms", ms(start.first_success));
            // With the secrets read from Key Vault and the database connected.
            self.report.figures.push(success.target(300.0));
        }
        Ok(())
    }

    /// Seeds the patients that are loaded and searched later, and goes on until there were enough
    /// requests.
    pub(crate) async fn measure_memory_under_load(&mut self) -> Result<Arc<Known>, String> {
        let &Extent { seeded, requests, .. } = self.extent;
        println!("Sending {requests} requests for the sake of memory …");
        let number = u32::try_from(seeded / PATIENTS_PER_POST_CODE).map_err(text)?;
        let post_codes = SEARCHED_POST_CODES..SEARCHED_POST_CODES + number;
        let mut known = Arc::new(Known { post_codes: post_codes.clone(), ..Known::default() });
        self.send(Task::Seed, seeded, &known).await?;
        let ids = floor::stored_patients(&self.system.connection_string, seeded).await?;
        known = Arc::new(Known { post_codes, ids, ..Known::default() });
        let portion = requests / 5;
        let mut sent = seeded;
        while sent < requests {
            let now = portion.min(requests - sent);
            self.send(Task::CreateOrLoad, now, &known).await?;
            sent += now;
            println!("  {sent}");
        }
        let resident = self.resident_mib()?;
        for (app, name) in ["patient app", "audit app"].into_iter().enumerate() {
            let name = format!("resident after {requests} requests, {name}");
            let figure = Figure::new(name, "MiB", resident[app].0).target(40.0);
            self.report.figures.push(if app == 0 { figure.scaffold_mb(115.0) } else { figure });
        }
        Ok(known)
    }

    /// Sends so many requests to the handler.
    pub(crate) async fn send(
        &mut self,
        task: Task,
        times: usize,
        known: &Arc<Known>,
    ) -> Result<(), String> {
        let entrance = self.system.entrance(Door::Handler)?;
        let callers = Client::several(CALLERS_TYPICAL, &entrance, task, known);
        let failures = load::repeat(callers, times / CALLERS_TYPICAL).await;
        self.report.failures.merge(failures);
        Ok(())
    }

    /// Memory in use and the most so far, of the patient app and of the audit app.
    pub(crate) fn resident_mib(&self) -> Result<[(f64, f64); 2], String> {
        let [patient, audit, ..] = self.system.processes()?.0;
        Ok([patient, audit].map(|process_id| {
            let (now, most) = process::resident_bytes(process_id).unwrap_or_default();
            (now as f64 / MIB, most as f64 / MIB)
        }))
    }
}
