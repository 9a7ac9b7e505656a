//! Steps of several instances in one commit: each is as atomic as it would be alone, and all of them cost one.

use annals_core::Commit;

use crate::{InstanceId, outbox::Storing};

use super::{Input, StepError, Stepper, Taken, draft::Finished};

/// What became of an input, in the order in which they were given.
type Each = Vec<Result<Taken, StepError>>;

impl Stepper {
    /// Lets instances, each of them another one, take an event in its turn. What follows is stored in one commit; where it cannot
    /// be, each is stored alone.
    ///
    /// # Errors
    /// The store's faults, and that somebody else has taken over.
    pub(crate) async fn take_each(&self, inputs: &[(&InstanceId, Input<'_>)]) -> Result<Each, StepError> {
        if let [(id, input)] = inputs {
            return each_of_its_own(vec![self.take(id, input).await]);
        }
        let reads = self.read_each(inputs).await?;
        let count = inputs.len();
        let (mut commits, mut follow) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut taken = Vec::with_capacity(count);
        for (index, ((id, input), read)) in inputs.iter().zip(reads).enumerate() {
            self.counts.add(input.kind());
            self.beat();
            let is_kept = read.as_ref().is_ok_and(|read| read.is_kept);
            let finished = match read {
                Ok(read) => self.decide(id, read, input).await,
                Err(error) => Err(error),
            };
            taken.push(match finished {
                Ok(Some(Finished { commit, follows })) => {
                    commits.push(commit);
                    follow.push((index, *id, input, follows));
                    Ok(Taken::Stepped)
                }
                // It is decided about again, by what is stored.
                Ok(None) | Err(_) if is_kept => self.take_alone(id, input).await,
                Ok(None) => Ok(Taken::Passed),
                Err(error) => Err(error),
            });
        }
        if follow.is_empty() {
            return each_of_its_own(taken);
        }
        let counting = self.census.counting().await;
        let storing: Vec<_> = follow.iter().map(|(_, id, ..)| self.outbox.storing(id)).collect();
        match self.commit(gathered(commits)).await {
            Ok(true) => {
                for ((_, id, input, follows), storing) in follow.into_iter().zip(storing) {
                    self.follow(id, input, follows, storing, &counting);
                }
            }
            Err(error) if error.is_of_the_store() => return Err(error),
            // One of them has moved, or all are too much for one commit.
            Ok(false) | Err(_) => {
                storing.into_iter().for_each(Storing::nothing);
                // Those that are taken alone would wait behind a count of instances that waits for this.
                drop(counting);
                for (index, id, input, _) in follow {
                    if let Some(taken) = taken.get_mut(index) {
                        *taken = self.take_alone(id, input).await;
                    }
                }
            }
        }
        each_of_its_own(taken)
    }
}

/// What all of them are about, as one.
fn gathered(commits: Vec<Commit>) -> Commit {
    let mut gathered = Commit::new();
    gathered.conditions.reserve(1 + commits.iter().map(|commit| commit.conditions.len()).sum::<usize>());
    gathered.events.reserve_exact(commits.iter().map(|commit| commit.events.len()).sum());
    gathered.rows.reserve_exact(commits.iter().map(|commit| commit.rows.len()).sum());
    for commit in commits {
        gathered.conditions.extend(commit.conditions);
        gathered.events.extend(commit.events);
        gathered.rows.extend(commit.rows);
    }
    gathered
}

/// What became of each, unless one of them says that the store is at fault: then it is of no matter what became of the others.
fn each_of_its_own(mut taken: Each) -> Result<Each, StepError> {
    let is_fault = |taken: &Result<Taken, StepError>| taken.as_ref().is_err_and(StepError::is_of_the_store);
    match taken.iter().position(is_fault) {
        Some(fault) => taken.swap_remove(fault).map(|_| Each::new()),
        None => Ok(taken),
    }
}
