//! The follower that keeps the views: reads committed records after its cursor, and stores what it
//! learned together with the new cursor.
//!
//! Beside that it may build a second index from the first record on. When that one has caught up with
//! the live one, a single batch stores its end and makes it the live one; what is left of the other
//! is removed a little at a time. A crash leaves the one or the other live, whole in either case. It
//! drops a rebuild that is under way: a record that cannot be learned must not take the live index
//! down again and again. What was stored of the dropped one is removed like any other leftover.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_actors::shelf::ShelfError;
use surehold_storage::JournalError;
use tracing::{info, warn};

use super::Views;
use super::archived::{Copying, Moved, archive_of};
use super::index::Index;
use crate::limits::{FOLLOWER_PAUSE, FOLLOWER_RECORDS, VIEWS_BESIDE_PAUSE, VIEWS_SWEPT_MAX};

/// A message to the views.
#[derive(Debug)]
pub enum ViewsMsg {
    /// Read on.
    Follow,
    /// Build everything anew from the journal, beside what is there.
    Rebuild,
    /// Go on with what is done beside following.
    Beside,
    /// A fault on demand.
    Crash,
}

/// The follower's actor.
pub(super) struct ViewsActor;

/// What the follower remembers between two gulps; the live index is with those who read it.
pub(super) struct ViewsState {
    views: Arc<Views>,
    beside: Beside,
}

/// What is done beside following.
#[derive(Default)]
enum Beside {
    #[default]
    Nothing,
    /// Keys that are not the live index's are removed.
    Sweeping {
        /// Whether a rebuild follows.
        wanted: bool,
    },
    /// A second index begins as a copy of the one in the journal's archive.
    Copying(Box<Index>, Copying),
    /// A second index is under way.
    Rebuilding(Box<Index>),
}

impl Actor for ViewsActor {
    type Msg = ViewsMsg;
    type State = ViewsState;
    type Arguments = Arc<Views>;

    async fn pre_start(
        &self,
        _myself: ActorRef<ViewsMsg>,
        views: Arc<Views>,
    ) -> Result<ViewsState, ActorProcessingErr> {
        Ok(ViewsState { views, beside: Beside::Nothing })
    }

    async fn post_start(
        &self,
        myself: ActorRef<ViewsMsg>,
        state: &mut ViewsState,
    ) -> Result<(), ActorProcessingErr> {
        let wanted = state.views.reopen()?;
        if wanted {
            warn!("the views know more than the journal; they are built anew");
        }
        state.beside = Beside::Sweeping { wanted };
        state.tell();
        myself.send_message(ViewsMsg::Follow)?;
        myself.send_message(ViewsMsg::Beside)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<ViewsMsg>,
        message: ViewsMsg,
        state: &mut ViewsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ViewsMsg::Follow => {
                let more = state.follow()?;
                state.follow_again(more, myself);
            }
            ViewsMsg::Rebuild => {
                if state.begin() {
                    myself.send_message(ViewsMsg::Beside)?;
                }
            }
            ViewsMsg::Beside => {
                // The live one first, so that lists stay fresh.
                state.follow()?;
                if state.step()? {
                    tokio::spawn(async move {
                        tokio::time::sleep(VIEWS_BESIDE_PAUSE).await;
                        let _ = myself.send_message(ViewsMsg::Beside);
                    });
                }
            }
            ViewsMsg::Crash => return Err("the views were told to crash".into()),
        }
        Ok(())
    }
}

impl ViewsState {
    /// Takes one gulp; says whether there is more at once.
    fn follow(&mut self) -> Result<bool, ShelfError> {
        let views = &self.views;
        let cursor = views.live().cursor();
        let records = views.post.shelf.journal().follow(cursor, FOLLOWER_RECORDS)?;
        if records.is_empty() {
            return Ok(false);
        }
        let mut live = views.live_mut();
        let mut learned = live.gulp(&views.source, records.iter());
        if learned.is_ok() {
            learned = live.store_when_due(views.post.clock.now()).map_err(ShelfError::from);
        }
        let cursor = live.cursor();
        drop(live);
        views.reached(cursor);
        learned.map(|()| records.len() == FOLLOWER_RECORDS)
    }

    fn follow_again(&self, more: bool, myself: ActorRef<ViewsMsg>) {
        let (cursor, views) = (self.views.live().cursor(), Arc::clone(&self.views));
        tokio::spawn(async move {
            if !more {
                // A closed journal ends this life of the tree.
                if views.post.shelf.journal().durable().followed(cursor + 1).await.is_err() {
                    return;
                }
                tokio::time::sleep(FOLLOWER_PAUSE).await;
            }
            let _ = myself.send_message(ViewsMsg::Follow);
        });
    }

    /// Somebody wants a rebuild; says whether there is something to be set going. One that is under
    /// way goes on.
    fn begin(&mut self) -> bool {
        let idle = matches!(self.beside, Beside::Nothing);
        match &mut self.beside {
            Beside::Nothing => self.beside = Beside::Sweeping { wanted: true },
            Beside::Sweeping { wanted } => *wanted = true,
            Beside::Copying(..) | Beside::Rebuilding(_) => {}
        }
        self.tell();
        idle
    }

    /// One step of what is done beside following; says whether there is another.
    fn step(&mut self) -> Result<bool, ShelfError> {
        self.beside = match std::mem::take(&mut self.beside) {
            Beside::Nothing => Beside::Nothing,
            Beside::Sweeping { wanted } => self.sweep(wanted),
            Beside::Copying(index, copying) => self.copy(index, copying),
            Beside::Rebuilding(index) => self.rebuild(index)?,
        };
        self.tell();
        Ok(!matches!(self.beside, Beside::Nothing))
    }

    fn sweep(&self, wanted: bool) -> Beside {
        let live = self.views.live();
        match live.sweep(VIEWS_SWEPT_MAX) {
            Ok(true) => Beside::Sweeping { wanted },
            Ok(false) if wanted => self.begin_beside(&live),
            Ok(false) => Beside::Nothing,
            Err(error) => {
                warn!(%error, "what is left over of older views stays for now");
                Beside::Nothing
            }
        }
    }

    /// The second index, where nothing is left over of others.
    fn begin_beside(&self, live: &Index) -> Beside {
        let now = self.views.now();
        let index = Box::new(live.beside(now));
        let Some(archive) = archive_of(&self.views.post.shelf) else {
            return Beside::Rebuilding(index);
        };
        match Copying::begin(archive, now) {
            Ok(copying) => Beside::Copying(index, copying),
            Err(error) => given_up(&error, 0),
        }
    }

    /// Copies a little more. If the archive moved on meanwhile, all begins anew.
    fn copy(&self, mut index: Box<Index>, mut copying: Copying) -> Beside {
        match copying.step(index.generation(), self.views.now()) {
            Ok(None) => Beside::Copying(index, copying),
            Ok(Some(Ok(cursor))) => {
                index.knows(cursor);
                Beside::Rebuilding(index)
            }
            Ok(Some(Err(Moved))) => Beside::Sweeping { wanted: true },
            Err(error) => given_up(&error, index.cursor()),
        }
    }

    /// One gulp of the second index, never beyond the live one. Whatever is wrong with it, the live
    /// one goes on.
    fn rebuild(&self, mut index: Box<Index>) -> Result<Beside, ShelfError> {
        let live = self.views.live().cursor();
        match self.gulp_beside(&mut index, live) {
            Ok(()) => {}
            // What it wanted to read is in the archive by now.
            Err(ShelfError::Journal(JournalError::Removed { .. })) => {
                return Ok(Beside::Sweeping { wanted: true });
            }
            Err(error) => return Ok(given_up(&error, index.cursor())),
        }
        if index.cursor() < live {
            return Ok(Beside::Rebuilding(index));
        }
        self.swap(*index)?;
        Ok(Beside::Sweeping { wanted: false })
    }

    fn gulp_beside(&self, index: &mut Index, upto: u64) -> Result<(), ShelfError> {
        let journal = self.views.post.shelf.journal();
        let records = journal.follow(index.cursor(), FOLLOWER_RECORDS)?;
        let known = records.iter().take_while(|record| record.sequence <= upto);
        index.gulp(&self.views.source, known)?;
        Ok(index.store_when_due(self.views.post.clock.now())?)
    }

    /// Makes the second index the live one. If that fails, nobody knows which is: the next life
    /// looks.
    fn swap(&self, mut index: Index) -> Result<(), ShelfError> {
        let mut live = self.views.live_mut();
        index.store(self.views.post.clock.now(), true)?;
        info!(cursor = index.cursor(), "the views were built anew");
        *live = index;
        Ok(())
    }

    /// Tells those who watch how far a rebuild is.
    fn tell(&self) {
        self.views.rebuilds(match &self.beside {
            Beside::Nothing | Beside::Sweeping { wanted: false } => None,
            Beside::Sweeping { wanted: true } | Beside::Copying(..) => Some(0),
            Beside::Rebuilding(index) => Some(index.cursor()),
        });
    }
}

/// Whatever is wrong with a second index, the live one goes on.
fn given_up(error: &dyn std::fmt::Display, cursor: u64) -> Beside {
    warn!(%error, cursor, "the rebuild of the views is given up");
    Beside::Sweeping { wanted: false }
}
