//! ractor, as the engine uses it: children linked to one supervisor actor, which starts them and is told how they ended.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::runtime::Builder;

use super::role::{Brood, Direct, Directory, Host, Next, Role};

/// The host.
pub struct OnRactor;

impl Host for OnRactor {
    type Brood<R: Role> = Children<R>;

    fn run<T>(work: impl AsyncFnOnce(&Self) -> T) -> T {
        let runtime = Builder::new_multi_thread().enable_all().build();
        runtime.expect("threads can be made").block_on(work(&Self))
    }

    async fn brood<R: Role>(&self, shelf: R::Shelf) -> Children<R> {
        let directory = Arc::<Places<R>>::default();
        let looks_after =
            Watched { directory: Arc::clone(&directory), shelf, keys: HashMap::new() };
        let supervisor = Actor::spawn(None, Supervisor(PhantomData), looks_after).await;
        Children { directory, supervisor: supervisor.expect("a supervisor starts").0 }
    }
}

type Places<R> = Directory<ActorRef<<R as Role>::Mail>>;

/// All children of one role.
pub struct Children<R: Role> {
    directory: Arc<Places<R>>,
    supervisor: ActorRef<Begin<R>>,
}

impl<R: Role> Clone for Children<R> {
    fn clone(&self) -> Self {
        Self { directory: Arc::clone(&self.directory), supervisor: self.supervisor.clone() }
    }
}

impl<R: Role> Brood<R> for Children<R> {
    fn begin(&self, key: u64, role: R) {
        let _ = self.supervisor.send_message(Begin(key, role));
    }

    fn tell(&self, key: u64, mail: R::Mail) -> bool {
        self.directory.with(key, |place| place.send_message(mail).is_ok()).unwrap_or(false)
    }

    fn direct(&self, key: u64) -> Option<Direct<R::Mail>> {
        let place = self.directory.with(key, Clone::clone)?;
        Some(Box::new(move |mail| place.send_message(mail).is_ok()))
    }
}

/// Start this one.
struct Begin<R>(u64, R);

/// A child, and one life of it.
struct Child<R>(PhantomData<fn() -> R>);

struct Life<R: Role> {
    key: u64,
    role: R,
    directory: Arc<Places<R>>,
}

impl<R: Role> Actor for Child<R> {
    type Msg = R::Mail;
    type State = Life<R>;
    type Arguments = Life<R>;

    async fn pre_start(
        &self,
        myself: ActorRef<R::Mail>,
        life: Life<R>,
    ) -> Result<Life<R>, ActorProcessingErr> {
        life.directory.insert(life.key, myself);
        Ok(life)
    }

    async fn post_start(
        &self,
        _myself: ActorRef<R::Mail>,
        life: &mut Life<R>,
    ) -> Result<(), ActorProcessingErr> {
        life.role.begin();
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<R::Mail>,
        mail: R::Mail,
        life: &mut Life<R>,
    ) -> Result<(), ActorProcessingErr> {
        if life.role.hear(mail) == Next::Rest {
            life.directory.remove(life.key);
            myself.stop(None);
        }
        Ok(())
    }
}

struct Supervisor<R>(PhantomData<fn() -> R>);

struct Watched<R: Role> {
    directory: Arc<Places<R>>,
    shelf: R::Shelf,
    keys: HashMap<ActorId, u64>,
}

impl<R: Role> Watched<R> {
    async fn start(&mut self, key: u64, role: R, myself: &ActorRef<Begin<R>>) {
        let life = Life { key, role, directory: Arc::clone(&self.directory) };
        let started = Actor::spawn_linked(None, Child(PhantomData), life, myself.get_cell()).await;
        let (child, _) = started.expect("a child starts: it does nothing that can fail");
        self.keys.insert(child.get_id(), key);
    }
}

impl<R: Role> Actor for Supervisor<R> {
    type Msg = Begin<R>;
    type State = Watched<R>;
    type Arguments = Watched<R>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Begin<R>>,
        watched: Watched<R>,
    ) -> Result<Watched<R>, ActorProcessingErr> {
        Ok(watched)
    }

    async fn handle(
        &self,
        myself: ActorRef<Begin<R>>,
        Begin(key, role): Begin<R>,
        watched: &mut Watched<R>,
    ) -> Result<(), ActorProcessingErr> {
        watched.start(key, role, &myself).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Begin<R>>,
        event: SupervisionEvent,
        watched: &mut Watched<R>,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(child, ..) => {
                watched.keys.remove(&child.get_id());
            }
            SupervisionEvent::ActorFailed(child, _) => {
                if let Some(key) = watched.keys.remove(&child.get_id()) {
                    let role = R::again(key, &watched.shelf);
                    watched.start(key, role, &myself).await;
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}
