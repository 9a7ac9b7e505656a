//! Looking at sagas and reactions, and helping them.

use std::{io::Write, path::Path};

use annals::{
    RunningSagas, Scan,
    prelude::*,
    sagas::{InstanceStatus, SagaHandle, picture},
};
use clap::Subcommand;

use super::{Output, error::CliError, report::table};
use crate::{
    domain::{
        Order,
        order::{Cancel, Cause},
    },
    process::{Collection, Fulfilment, Replenishment},
    season::{self, Shopper},
};

/// How many rows a list has unless more are asked for.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the instances of a saga
    Instances {
        /// Which saga, such as fulfilment
        saga: String,
        /// Only those that have not ended
        #[arg(long)]
        running: bool,
        /// So many
        #[arg(long, value_name = "COUNT", default_value_t = SHOWN)]
        limit: usize,
    },
    /// Show what an instance has been through, step by step
    Timeline {
        /// Which saga, such as fulfilment
        saga: String,
        /// Which instance, such as o-00017
        key: String,
    },
    /// List timers, in the order in which they are due
    Timers {
        /// Which saga, such as collection
        saga: String,
        /// So many
        #[arg(long, value_name = "COUNT", default_value_t = SHOWN)]
        limit: usize,
    },
    /// Print the picture of a saga, for Mermaid
    Picture {
        /// Which saga, such as fulfilment
        saga: String,
    },
    /// Take in again what was set aside, and send again what waits for somebody
    Retry {
        /// Which saga or reaction, such as fulfilment
        saga: String,
        /// Which instance, such as o-00017
        key: String,
    },
    /// End an instance
    Cancel {
        /// Which saga, such as fulfilment
        saga: String,
        /// Which instance, such as o-00017
        key: String,
        /// Why; kept in its timeline
        #[arg(long)]
        reason: String,
        /// Undo what it has done
        #[arg(long)]
        compensate: bool,
    },
}

/// Opens the store in which a season is, at the time at which it was left, and does what is asked for.
pub(super) async fn run(out: &mut Output, store: &Path, command: Option<Command>) -> Result<bool, CliError> {
    let shop = season::open_existing(store).await?;
    if let Some(sagas) = shop.sagas() {
        sagas.settled().await?;
    }
    let is_good = match command {
        None => overview(out, &shop).await?,
        Some(Command::Instances { saga, running, limit }) => {
            instances(out, &named(&shop, &saga)?, running, limit).await?
        }
        Some(Command::Timeline { saga, key }) => timeline(out, &named(&shop, &saga)?, &key).await?,
        Some(Command::Timers { saga, limit }) => timers(out, &named(&shop, &saga)?, limit).await?,
        Some(Command::Picture { saga }) => write_picture(out, &named(&shop, &saga)?)?,
        Some(Command::Retry { saga, key }) => retry(out, &named(&shop, &saga)?, &key).await?,
        Some(Command::Cancel { saga, key, reason, compensate }) => {
            cancel(out, &shop, &named(&shop, &saga)?, &key, &reason, compensate).await?
        }
    };
    shop.shut_down().await;
    Ok(is_good)
}

async fn overview(out: &mut impl Write, shop: &Annals) -> Result<bool, CliError> {
    let mut shown = table(["saga", "state", "position", "running", "ended", "set aside", "waiting", "timers"], 2);
    let mut is_good = true;
    for saga in shop.sagas().iter().flat_map(|sagas| sagas.iter()) {
        let (mut running, mut ended) = (0_u64, 0_u64);
        each_instance(&saga, |instance| match instance.status {
            InstanceStatus::Running | InstanceStatus::Compensating => running += 1,
            _ => ended += 1,
        })
        .await?;
        let (status, waiting, timers) = (saga.status(), saga.waiting().await?.len(), count_timers(&saga).await?);
        is_good &= status.aside == 0 && waiting == 0;
        shown.add_row([
            saga.name().to_owned(),
            status.state.to_string(),
            status.position.to_string(),
            running.to_string(),
            ended.to_string(),
            status.aside.to_string(),
            waiting.to_string(),
            timers.to_string(),
        ]);
    }
    let health = shop.sagas_health();
    writeln!(out, "{shown}\n{health}")?;
    Ok(is_good && health.is_healthy())
}

async fn instances(out: &mut impl Write, saga: &SagaHandle, running: bool, limit: usize) -> Result<bool, CliError> {
    let mut shown = table(["instance", "status", "steps", "started", "latest", "next timer"], 2);
    let mut rows = 0;
    each_instance(saga, |instance| {
        if rows < limit && (!running || instance.status == InstanceStatus::Running) {
            rows += 1;
            let due = instance.timers.iter().min_by_key(|(_, due)| **due);
            shown.add_row([
                instance.id.key.clone(),
                format!("{:?}", instance.status).to_lowercase(),
                instance.steps.to_string(),
                instance.started.to_string(),
                instance.latest.to_string(),
                due.map_or_else(String::new, |(name, due)| format!("{name} {due}")),
            ]);
        }
    })
    .await?;
    writeln!(out, "{shown}")?;
    Ok(true)
}

async fn timeline(out: &mut impl Write, saga: &SagaHandle, key: &str) -> Result<bool, CliError> {
    let instance = saga.instance(None, key).await?.ok_or_else(|| unknown(saga, key))?;
    writeln!(out, "{} {key}: {:?}", saga.name(), instance.status)?;
    let mut shown = table(["step", "at", "because of", "sends", "timers"], 5);
    for step in saga.timeline(None, key).await? {
        let sent = step.sent.iter().map(|sent| format!("{} to {} {}", sent.name, sent.aggregate, sent.id));
        let set = step.scheduled.iter().map(|(name, due)| format!("{name} {due}"));
        let cancelled = step.cancelled.iter().map(|name| format!("{name} cancelled"));
        shown.add_row([
            step.number.to_string(),
            step.at.to_string(),
            step.input.to_string(),
            sent.collect::<Vec<_>>().join("\n"),
            set.chain(cancelled).collect::<Vec<_>>().join("\n"),
        ]);
    }
    writeln!(out, "{shown}")?;
    Ok(true)
}

async fn timers(out: &mut impl Write, saga: &SagaHandle, limit: usize) -> Result<bool, CliError> {
    let mut shown = table(["due", "instance", "timer", "failed"], 4);
    let mut left = limit;
    each_timer(saga, |timer| {
        if left > 0 {
            left -= 1;
            let failed = timer.failure.as_ref().map_or_else(String::new, |failure| failure.error.clone());
            shown.add_row([timer.due.to_string(), timer.instance.key.clone(), timer.name.clone(), failed]);
        }
    })
    .await?;
    writeln!(out, "{shown}")?;
    Ok(true)
}

fn write_picture(out: &mut impl Write, saga: &SagaHandle) -> Result<bool, CliError> {
    let drawn = match saga.name() {
        Fulfilment::NAME => picture::<Fulfilment>(),
        Collection::NAME => picture::<Collection>(),
        Replenishment::NAME => picture::<Replenishment>(),
        Shopper::NAME => picture::<Shopper>(),
        name => return Err(CliError::UnknownSaga { name: name.to_owned(), known: drawable() }),
    };
    write!(out, "{drawn}")?;
    Ok(true)
}

async fn retry(out: &mut impl Write, saga: &SagaHandle, key: &str) -> Result<bool, CliError> {
    let mut retried = 0;
    for event in saga.aside().await? {
        if event.instance.as_ref().is_some_and(|instance| instance.key == key) {
            retried += usize::from(saga.retry(event.position).await? == Some(true));
        }
    }
    for command in saga.waiting().await? {
        if command.key.instance.key == key && command.failure.is_some() {
            retried += usize::from(saga.retry_command(&command.key).await?);
        }
    }
    if retried == 0 {
        return Err(CliError::NothingWaits { saga: saga.name().to_owned(), key: key.to_owned() });
    }
    saga.settled().await?;
    timeline(out, saga, key).await
}

async fn cancel(
    out: &mut impl Write,
    shop: &Annals,
    saga: &SagaHandle,
    key: &str,
    reason: &str,
    compensate: bool,
) -> Result<bool, CliError> {
    if !saga.cancel(None, key, reason, compensate).await? {
        return Err(unknown(saga, key));
    }
    // The saga tells nobody that it was ended. Of an order whose deeds are undone nothing comes any more.
    if compensate && saga.name() == Fulfilment::NAME {
        shop.on::<Order>(key).send(Cancel { cause: Cause::Shop }).await.map_err(CliError::Cancel)?;
    }
    if let Some(sagas) = shop.sagas() {
        sagas.settled().await?;
    }
    timeline(out, saga, key).await
}

fn named(shop: &Annals, name: &str) -> Result<SagaHandle, CliError> {
    let known = || {
        let names = shop.sagas().iter().flat_map(|sagas| sagas.iter()).map(|saga| saga.name()).collect::<Vec<_>>();
        names.join(", ")
    };
    let saga = shop.sagas().and_then(|sagas| sagas.named(name));
    saga.ok_or_else(|| CliError::UnknownSaga { name: name.to_owned(), known: known() })
}

/// Reactions have no states that could be drawn.
fn drawable() -> String {
    [Fulfilment::NAME, Collection::NAME, Replenishment::NAME, Shopper::NAME].join(", ")
}

fn unknown(saga: &SagaHandle, key: &str) -> CliError {
    CliError::UnknownInstance { saga: saga.name().to_owned(), key: key.to_owned() }
}

async fn each_instance(
    saga: &SagaHandle,
    mut each: impl FnMut(&annals::sagas::Instance),
) -> Result<(), annals::sagas::SagaError> {
    let mut next: Option<Scan> = None;
    loop {
        let page = saga.instances(next, |_| true).await?;
        page.instances.iter().for_each(&mut each);
        match page.next {
            Some(scan) => next = Some(scan),
            None => return Ok(()),
        }
    }
}

async fn each_timer(
    saga: &SagaHandle,
    mut each: impl FnMut(&annals::sagas::SetTimer),
) -> Result<(), annals::sagas::SagaError> {
    let mut next: Option<Scan> = None;
    loop {
        let (timers, more) = saga.timers(next).await?;
        timers.iter().for_each(&mut each);
        match more {
            Some(scan) => next = Some(scan),
            None => return Ok(()),
        }
    }
}

async fn count_timers(saga: &SagaHandle) -> Result<u64, CliError> {
    let mut count = 0;
    each_timer(saga, |_| count += 1).await?;
    Ok(count)
}
