//! Requests a second of `wrk` in the client's namespace against `nginx` in the server's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::lab::{Lab, SERVER};
use super::running::Running;

/// Connections that `wrk` keeps open, with one thread.
const CONNECTIONS: u32 = 32;

/// What serves and what asks: both may use `cores`.
pub(crate) struct Http {
    pub(crate) wrk: PathBuf,
    pub(crate) nginx: PathBuf,
    /// As `taskset` writes them.
    pub(crate) cores: String,
}

/// What `wrk` tells of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Served {
    pub(crate) requests_per_s: f64,
    /// Bytes of responses, with their headers.
    pub(crate) read_bytes: f64,
    /// Connections refused or broken, and requests that nobody answered in time.
    pub(crate) errors: u64,
}

impl Http {
    /// Starts the server, with a file of each of `sizes` bytes, named by its size.
    pub(crate) fn serve(&self, lab: &Lab, folder: &Path, sizes: &[u32]) -> Result<Running> {
        let root = folder.join("www");
        fs::create_dir_all(&root).context("no folder for the responses")?;
        for size in sizes {
            let text: Vec<u8> =
                b"All is quiet on the wire. ".iter().copied().cycle().take(*size as usize).collect();
            fs::write(root.join(size.to_string()), text).context("cannot write a response")?;
        }
        let (config, pid) = (folder.join("nginx.conf"), folder.join("nginx.pid"));
        // One process: a worker of its own would outlive a master that is killed.
        let text = format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log stderr notice;\nevents {{ worker_connections 512; }}\n\
             http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  default_type text/plain;\n  sendfile on;\n\
             server {{ listen {SERVER}:80; root {}; }}\n}}\n",
            pid.display(),
            root.display(),
        );
        fs::write(&config, text).context("cannot write the configuration of nginx")?;
        let mut command = lab.command("server", &self.cores, &self.nginx);
        command.arg("-c").arg(&config).arg("-p").arg(folder);
        Running::start(command, &folder.join("nginx.log"), "getrlimit(RLIMIT_NOFILE)")
    }

    /// Asks for the file of `size` bytes for `seconds`.
    pub(crate) fn ask(&self, lab: &Lab, size: u32, seconds: u64) -> Result<Served> {
        let mut command = lab.command("client", &self.cores, &self.wrk);
        command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")]);
        command.arg(format!("http://{SERVER}/{size}"));
        let output = command.output().context("nsenter (util-linux) does not start")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "wrk fails: {said}{complaint}");
        ensure!(!said.contains("Non-2xx"), "not every response is a 200:\n{said}");
        parse(&said).with_context(|| format!("wrk speaks otherwise:\n{said}"))
    }
}

fn parse(said: &str) -> Option<Served> {
    let line = |begin: &str| said.lines().find_map(|line| line.trim_start().strip_prefix(begin));
    let requests_per_s = line("Requests/sec:")?.trim().parse().ok()?;
    let total = said.lines().find(|line| line.contains(" requests in "))?;
    let read_bytes = bytes(total.rsplit(", ").next()?.strip_suffix(" read")?)?;
    // connect 0, read 3, write 0, timeout 1
    let errors = line("Socket errors:").map_or(Some(0), |errors| {
        errors.split(',').map(|error| error.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    })?;
    Some(Served { requests_per_s, read_bytes, errors })
}

/// A size as `wrk` writes it, in steps of 1024.
fn bytes(size: &str) -> Option<f64> {
    let (number, unit) = size.split_at(size.find(|c: char| c.is_ascii_alphabetic())?);
    let power = ["B", "KB", "MB", "GB", "TB"].iter().position(|known| *known == unit)?;
    Some(number.parse::<f64>().ok()? * 1024_f64.powi(power as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: &str = "Running 5s test @ http://10.77.0.2/200
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.13ms    1.04ms  22.71ms   91.31%
    Req/Sec    30.51k     2.53k   35.17k    72.00%
  151792 requests in 5.00s, 62.39MB read
Requests/sec:  30345.67
Transfer/sec:     12.47MB
";
    const BROKEN: &str = "Running 2s test @ http://10.77.0.2/21800
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.00us    0.00us   0.00us    -nan%
    Req/Sec     0.00      0.00     0.00      -nan%
  0 requests in 2.00s, 0.00B read
  Socket errors: connect 32, read 3, write 0, timeout 7
Requests/sec:      0.00
Transfer/sec:       0.00B
";

    #[test]
    fn what_wrk_tells_is_read() {
        let served = Served { requests_per_s: 30_345.67, read_bytes: 62.39 * 1024.0 * 1024.0, errors: 0 };
        assert_eq!(parse(QUIET), Some(served));
    }

    #[test]
    fn errors_of_sockets_are_counted() {
        assert_eq!(parse(BROKEN), Some(Served { requests_per_s: 0.0, read_bytes: 0.0, errors: 42 }));
    }

    #[test]
    fn other_words_are_no_figures() {
        assert_eq!(parse("unable to connect to 10.77.0.2:80 Connection refused\n"), None);
        assert_eq!(parse(&QUIET.replace("62.39MB", "62.39XB")), None);
    }
}
