//! Bare tokio tasks: a channel and a task for each actor, and one task that joins them all and starts again who panicked.
//! This is what a program has to write itself that uses no framework.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{Id, JoinSet};

use super::role::{Brood, Direct, Directory, Host, Next, Role};

/// The host.
pub struct OnTokio;

impl Host for OnTokio {
    type Brood<R: Role> = Tasks<R>;

    fn run<T>(work: impl AsyncFnOnce(&Self) -> T) -> T {
        let runtime = Builder::new_multi_thread().enable_all().build();
        runtime.expect("threads can be made").block_on(work(&Self))
    }

    async fn brood<R: Role>(&self, shelf: R::Shelf) -> Tasks<R> {
        let directory = Arc::<Places<R>>::default();
        let (begin, begins) = mpsc::unbounded_channel();
        let (keys, lives) = (HashMap::new(), JoinSet::new());
        let supervisor = Supervisor { directory: Arc::clone(&directory), shelf, keys, lives };
        tokio::spawn(supervisor.run(begins));
        Tasks { directory, begin }
    }
}

type Places<R> = Directory<UnboundedSender<<R as Role>::Mail>>;

/// All tasks of one role.
pub struct Tasks<R: Role> {
    directory: Arc<Places<R>>,
    begin: UnboundedSender<(u64, R)>,
}

impl<R: Role> Clone for Tasks<R> {
    fn clone(&self) -> Self {
        Self { directory: Arc::clone(&self.directory), begin: self.begin.clone() }
    }
}

impl<R: Role> Brood<R> for Tasks<R> {
    fn begin(&self, key: u64, role: R) {
        let _ = self.begin.send((key, role));
    }

    fn tell(&self, key: u64, mail: R::Mail) -> bool {
        self.directory.with(key, |place| place.send(mail).is_ok()).unwrap_or(false)
    }

    fn direct(&self, key: u64) -> Option<Direct<R::Mail>> {
        let place = self.directory.with(key, Clone::clone)?;
        Some(Box::new(move |mail| place.send(mail).is_ok()))
    }
}

struct Supervisor<R: Role> {
    directory: Arc<Places<R>>,
    shelf: R::Shelf,
    keys: HashMap<Id, u64>,
    lives: JoinSet<()>,
}

impl<R: Role> Supervisor<R> {
    async fn run(mut self, mut begins: UnboundedReceiver<(u64, R)>) {
        loop {
            tokio::select! {
                begin = begins.recv() => {
                    let Some((key, role)) = begin else { return };
                    self.start(key, role);
                }
                Some(ended) = self.lives.join_next_with_id() => match ended {
                    Ok((id, ())) => {
                        self.keys.remove(&id);
                    }
                    Err(crash) => {
                        if let Some(key) = self.keys.remove(&crash.id()) {
                            self.start(key, R::again(key, &self.shelf));
                        }
                    }
                },
            }
        }
    }

    fn start(&mut self, key: u64, role: R) {
        let (place, mail) = mpsc::unbounded_channel();
        self.directory.insert(key, place);
        let life = live(key, role, mail, Arc::clone(&self.directory));
        self.keys.insert(self.lives.spawn(life).id(), key);
    }
}

async fn live<R: Role>(
    key: u64,
    mut role: R,
    mut mail: UnboundedReceiver<R::Mail>,
    directory: Arc<Places<R>>,
) {
    role.begin();
    while let Some(letter) = mail.recv().await {
        if role.hear(letter) == Next::Rest {
            return directory.remove(key);
        }
    }
}
