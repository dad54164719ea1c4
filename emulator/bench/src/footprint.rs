//! Executable sizes, start-up times, and memory before and after many requests.

use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, SEARCHED_POST_CODES, Task, TestData};
use super::figures::{Figure, MIB};
use super::request::{EntryPoint, Request};
use super::system::{AUDIT_APP, PATIENT_APP, executable, message};
use super::{
    Bench, CALLERS_TYPICAL, PATIENTS_PER_POST_CODE, Scale, baseline, load, process, start,
};

/// The time that a handler needs to become idle after its start.
const SETTLING_TIME: Duration = Duration::from_secs(1);

impl Bench {
    pub(crate) async fn measure_idle_memory(&mut self) -> Result<(), String> {
        for app in [PATIENT_APP, AUDIT_APP] {
            let size =
                std::fs::metadata(executable(&self.options.functions, app)).map_err(message)?;
            let size = Figure::new(format!("executable of {app}"), "MiB", size.len() as f64 / MIB);
            self.report.figures.push(size.target(15.0));
        }
        tokio::time::sleep(SETTLING_TIME).await;
        let idle = self.resident_mib()?;
        self.system.smoke_test().await?;
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
        println!("Starting each handler {} times …", self.scale.starts + 1);
        let requests = [|| Request::create_patient(0), Request::create_audit_record];
        for (app, request) in [PATIENT_APP, AUDIT_APP].into_iter().zip(requests) {
            let executable = executable(&self.options.functions, app);
            let settings = &self.system.settings;
            let start = start::measure(&executable, settings, request, self.scale.starts).await?;
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let response = Figure::new(
                format!("{app}, start to first response"),
                "ms",
                ms(start.first_response),
            );
            let response = response.target(15.0);
            let is_patient_app = app == PATIENT_APP;
            self.report.figures.push(if is_patient_app {
                response.scaffold(211.0)
            } else {
                response
            });
            let success = format!("{app}, start to first {}", request().function);
            let success = Figure::new(success, "ms", ms(start.first_success));
            // Includes reading the secrets from Key Vault and connecting to the database.
            self.report.figures.push(success.target(300.0));
        }
        Ok(())
    }

    /// Seeds the patients for later phases, then sends requests up to the configured number.
    pub(crate) async fn measure_memory_under_load(&mut self) -> Result<Arc<TestData>, String> {
        let &Scale { seeded, requests, .. } = self.scale;
        println!("Sending {requests} requests to measure memory …");
        let number = u32::try_from(seeded / PATIENTS_PER_POST_CODE).map_err(message)?;
        let post_codes = SEARCHED_POST_CODES..SEARCHED_POST_CODES + number;
        let mut data = Arc::new(TestData { post_codes: post_codes.clone(), ..TestData::default() });
        self.send(Task::Seed, seeded, &data).await?;
        let ids = baseline::stored_patients(&self.system.connection_string, seeded).await?;
        data = Arc::new(TestData { post_codes, ids, ..TestData::default() });
        let portion = requests / 5;
        let mut sent = seeded;
        while sent < requests {
            let now = portion.min(requests - sent);
            self.send(Task::CreateOrLoad, now, &data).await?;
            sent += now;
            println!("  {sent}");
        }
        let resident = self.resident_mib()?;
        for (app, name) in ["patient app", "audit app"].into_iter().enumerate() {
            let name = format!("resident after {requests} requests, {name}");
            let figure = Figure::new(name, "MiB", resident[app].0).target(40.0);
            self.report.figures.push(if app == 0 { figure.scaffold_mb(115.0) } else { figure });
        }
        Ok(data)
    }

    /// Sends this many requests to the handler.
    pub(crate) async fn send(
        &mut self,
        task: Task,
        times: usize,
        data: &Arc<TestData>,
    ) -> Result<(), String> {
        let target = self.system.target(EntryPoint::Handler)?;
        let callers = Client::several(CALLERS_TYPICAL, &target, task, data);
        let failures = load::repeat(callers, times / CALLERS_TYPICAL).await;
        self.report.failures.merge(failures);
        Ok(())
    }

    /// The current and the peak memory of the patient app and of the audit app.
    pub(crate) fn resident_mib(&self) -> Result<[(f64, f64); 2], String> {
        let [patient, audit, ..] = self.system.processes()?.0;
        Ok([patient, audit].map(|process_id| {
            let (now, most) = process::resident_bytes(process_id).unwrap_or_default();
            (now as f64 / MIB, most as f64 / MIB)
        }))
    }
}
