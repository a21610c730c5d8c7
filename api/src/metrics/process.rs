//! What the system knows of the process, under the names that every program tells it by.

use prometheus_client::registry::Registry;

/// Lets a registry tell of this process; of nothing where the system cannot be asked.
#[cfg(target_os = "linux")]
pub(super) fn register(to: &mut Registry) {
    to.register_collector(Box::new(linux::ThisProcess));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut Registry) {}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::process::{LimitValue, Process};
    use procfs::{CurrentSI as _, ProcResult, WithCurrentSystemInfo as _};
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
    use prometheus_client::metrics::MetricType;
    use prometheus_client::metrics::counter::ConstCounter;
    use prometheus_client::metrics::gauge::ConstGauge;

    #[derive(Debug)]
    pub(super) struct ThisProcess;

    struct Seen {
        cpu_seconds: f64,
        started: f64,
        resident: u64,
        virtual_size: u64,
        threads: i64,
        open_files: usize,
        most_files: Option<u64>,
    }

    fn look() -> ProcResult<Seen> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        let booted = procfs::KernelStats::current()?.btime;
        let limit = process.limits()?.max_open_files.soft_limit;
        Ok(Seen {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            started: booted as f64 + stat.starttime as f64 / ticks,
            resident: stat.rss_bytes().get(),
            virtual_size: stat.vsize,
            threads: stat.num_threads,
            open_files: process.fd_count()?,
            most_files: match limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            },
        })
    }

    impl Collector for ThisProcess {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            // A system that hides /proc is no reason to tell nothing else.
            let Ok(seen) = look() else { return Ok(()) };
            let name = "process_cpu_seconds";
            let cpu = encoder.encode_descriptor(name, "CPU time used", None, MetricType::Counter)?;
            ConstCounter::new(seen.cpu_seconds).encode(cpu)?;
            let most_files = seen.most_files.map(|most| most as f64);
            let gauges = [
                ("process_start_time_seconds", "When the process started, since 1970", Some(seen.started)),
                ("process_resident_memory_bytes", "Memory in use", Some(seen.resident as f64)),
                ("process_virtual_memory_bytes", "Memory mapped", Some(seen.virtual_size as f64)),
                ("process_threads", "Threads", Some(seen.threads as f64)),
                ("process_open_fds", "Open files and connections", Some(seen.open_files as f64)),
                ("process_max_fds", "Files and connections that may be open", most_files),
            ];
            for (name, about, value) in gauges {
                let Some(value) = value else { continue };
                let gauge = encoder.encode_descriptor(name, about, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(gauge)?;
            }
            Ok(())
        }
    }
}
