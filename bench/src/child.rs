//! Work in a process of its own: one that can be killed, and whose memory is its own.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use annals_core::Store;
use clap::Subcommand;

use crate::{
    Failure,
    fill::{self, Fill},
    load::Streams,
    machine::memory_mb,
    subject::{OfStore, Subject},
    work::rows,
    writers,
};

/// What a child does. It prints figures, `name value` a line, then `ready`, and goes on when it is told to.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Fills a store, idles, then closes it (`close`) or appends to it until it is killed (`write`).
    Fill {
        /// The store's folder.
        store: PathBuf,
        #[command(flatten)]
        fill: Fill,
    },
    /// Writes derived rows.
    Rows(rows::Job),
}

pub(crate) async fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Fill { store, fill } => run_fill(&store, fill).await,
        Task::Rows(job) => {
            say(&rows::work(&job).await?);
            wait_for_word().map(drop)
        }
    }
}

async fn run_fill(folder: &Path, fill: Fill) -> Result<(), Failure> {
    let store: Arc<dyn Store> = Arc::new(fill::open(folder).await?);
    let start = Instant::now();
    let bytes = fill.run(&store).await?;
    let fill_seconds = start.elapsed().as_secs_f64();
    fill::idle().await;
    let (memory, highest) = memory_mb();
    let events = store.head().borrow().position.get();
    say(&[
        ("events", events as f64),
        ("payload_bytes", bytes as f64),
        ("fill_seconds", fill_seconds),
        ("memory_mb", memory),
        ("memory_highest_mb", highest),
    ]);
    if wait_for_word()? == "write" {
        let subject: Arc<dyn Subject> = Arc::new(OfStore::new(store)?);
        writers::append(&subject, Streams::Fixed(10_000), 1, 8, Duration::from_secs(3600)).await?;
    } else {
        store.shut_down().await;
    }
    Ok(())
}

fn say(figures: &[(&str, f64)]) {
    for (name, figure) in figures {
        println!("{name} {figure}");
    }
    println!("ready");
}

/// The parent's next word; nothing when it is gone.
fn wait_for_word() -> Result<String, Failure> {
    let mut word = String::new();
    io::stdin().read_line(&mut word)?;
    Ok(word.trim().to_owned())
}

/// A child that has printed its figures and waits.
pub(crate) struct Waiting {
    child: Child,
    words: ChildStdin,
    figures: BTreeMap<String, f64>,
}

impl Waiting {
    /// Starts this program again and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("child").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (words, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        match read_figures(output) {
            Ok(figures) => Ok(Self { child, words, figures }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// A child that fills a store.
    pub(crate) fn fill(store: &Path, fill: &Fill) -> Result<Self, Failure> {
        let [events, streams, singles] = [fill.events, fill.streams, fill.singles].map(|number| number.to_string());
        let store = store.to_str().ok_or("the folder is no text")?;
        let mut arguments = vec!["fill", store, "--events", &events, "--streams", &streams, "--singles", &singles];
        arguments.extend(["--ids", fill.ids.name()]);
        arguments.extend(fill.tags.then_some("--tags"));
        Self::start(&arguments)
    }

    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(f64::NAN)
    }

    /// Lets it end in its own time.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        writeln!(self.words, "close")?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a child ended with {status}").into()) }
    }

    /// Lets it write for a while, and kills it meanwhile: SIGKILL.
    pub(crate) fn kill_while_writing(mut self, after: Duration) -> Result<(), Failure> {
        writeln!(self.words, "write")?;
        std::thread::sleep(after);
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("a child that was to be killed ended with {status}").into());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

fn read_figures(output: ChildStdout) -> Result<BTreeMap<String, f64>, Failure> {
    let mut figures = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match line.split_once(' ') {
            Some((name, figure)) => figures.insert(name.to_owned(), figure.parse()?),
            None if line == "ready" => return Ok(figures),
            None => return Err(format!("a child said {line:?}").into()),
        };
    }
    Err("a child ended before it was ready".into())
}
