//! What this node does for others.

use super::{NodeId, NodeState, Question, Reply, lock, parcel::Parcel};
use crate::{
    ban::{BanRecord, Merged},
    hub::Inner,
    presence::Ended,
};

/// Something to do that takes its time.
pub(super) enum Job {
    Answer(NodeId, u64, Question),
    /// Ends what a ban takes away.
    Enforce(BanRecord),
    Forget(Ended),
}

impl Job {
    /// Whether it may wait for what is to be done.
    pub(super) fn is_question(&self) -> bool {
        use Question::{Followers, Refusals, Search, State};
        matches!(self, Self::Answer(_, _, Search(..) | Refusals(_) | Followers(_) | State))
    }
}

impl Inner {
    /// Does what other nodes want, one after the other, for ever.
    pub(super) async fn obey_peers(&self) {
        loop {
            let job = {
                let mut jobs = lock(&self.cluster.jobs);
                jobs.orders.pop_front().or_else(|| jobs.questions.pop_front())
            };
            match job {
                Some(Job::Answer(from, number, question)) => {
                    let reply = self.answer(question).await;
                    self.cluster.send(Some(from), &Parcel::Reply(number, reply)).await;
                }
                Some(Job::Enforce(record)) => drop(self.enforce(&record).await),
                Some(Job::Forget(ended)) => self.forget_members(ended).await,
                None => self.cluster.work.notified().await,
            }
        }
    }

    async fn answer(&self, question: Question) -> Reply {
        match question {
            Question::Ban(record) => match self.merge_ban(record.clone()) {
                Merged::Full => Reply::Full,
                Merged::New | Merged::Known => Reply::Concerned(self.enforce(&record).await),
            },
            Question::Disconnect(whom) => Reply::Concerned(self.disconnect(&whom).await),
            Question::Follow(whom, selectors) => Reply::Concerned(self.follow_for(&whom, &selectors).await),
            Question::Unfollow(whom, selector) => Reply::Concerned(self.unfollow_for(&whom, &selector).await),
            Question::Search(wanted, after, limit) => Reply::Found(self.search(&wanted, after, limit).await),
            Question::Refusals(limit) => {
                Reply::Refusals(self.refusals.all().into_iter().take(limit).collect())
            }
            Question::Followers(channels) => Reply::Followers(self.followers(channels)),
            Question::State => Reply::State(NodeState::of(self)),
        }
    }
}
