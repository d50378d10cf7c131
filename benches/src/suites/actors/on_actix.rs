//! actix: each actor on one of as many arbiters as there are cores, under actix's own `Supervisor`.
//!
//! That `Supervisor` starts an actor again that stopped itself. It does not survive a panic: it is polled in the actor's
//! own task, which the panic ends (a test below holds this). So the cell around a role catches panics itself and stops;
//! then the `Supervisor` goes on, and the mailbox with everything in it is kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::available_parallelism;

use actix::{
    Actor, ActorContext, Addr, Arbiter, AsyncContext, Context, Handler, Message, Supervised,
    Supervisor, System,
};

use super::role::{Brood, Direct, Directory, Host, Next, Role};

/// The host.
pub struct OnActix {
    arbiters: Arc<[Arbiter]>,
}

impl Host for OnActix {
    type Brood<R: Role> = Cells<R>;
    const APART: bool = true;

    fn run<T>(work: impl AsyncFnOnce(&Self) -> T) -> T {
        System::new().block_on(async {
            let cores = available_parallelism().map_or(1, Into::into);
            let host = Self { arbiters: (0..cores).map(|_| Arbiter::new()).collect() };
            work(&host).await
        })
    }

    async fn brood<R: Role>(&self, shelf: R::Shelf) -> Cells<R> {
        Cells { directory: Arc::default(), shelf, arbiters: Arc::clone(&self.arbiters) }
    }
}

type Places<R> = Directory<Addr<Cell<R>>>;

/// All cells of one role: a key says which arbiter.
pub struct Cells<R: Role> {
    directory: Arc<Places<R>>,
    shelf: R::Shelf,
    arbiters: Arc<[Arbiter]>,
}

impl<R: Role> Clone for Cells<R> {
    fn clone(&self) -> Self {
        let (directory, arbiters) = (Arc::clone(&self.directory), Arc::clone(&self.arbiters));
        Self { directory, shelf: self.shelf.clone(), arbiters }
    }
}

impl<R: Role> Brood<R> for Cells<R> {
    fn begin(&self, key: u64, role: R) {
        let at = usize::try_from(key % self.arbiters.len() as u64).unwrap_or(0);
        let (directory, shelf) = (Arc::clone(&self.directory), self.shelf.clone());
        let cell = Cell { key, role, directory, shelf };
        Supervisor::start_in_arbiter(&self.arbiters[at].handle(), |_| cell);
    }

    fn tell(&self, key: u64, mail: R::Mail) -> bool {
        let told = self.directory.with(key, |place| {
            place.do_send(Letter(mail));
            place.connected()
        });
        told.unwrap_or(false)
    }

    fn direct(&self, key: u64) -> Option<Direct<R::Mail>> {
        let place = self.directory.with(key, Clone::clone)?;
        Some(Box::new(move |mail| {
            place.do_send(Letter(mail));
            true
        }))
    }
}

/// A role as an actix actor. It ends when its last address is gone, which is when it leaves the directory.
pub struct Cell<R: Role> {
    key: u64,
    role: R,
    directory: Arc<Places<R>>,
    shelf: R::Shelf,
}

impl<R: Role> Actor for Cell<R> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.directory.insert(self.key, context.address());
        self.role.begin();
    }
}

impl<R: Role> Supervised for Cell<R> {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.role = R::again(self.key, &self.shelf);
    }
}

/// A message to a role.
struct Letter<M>(M);

impl<M: 'static> Message for Letter<M> {
    type Result = ();
}

impl<R: Role> Handler<Letter<R::Mail>> for Cell<R> {
    type Result = ();

    fn handle(&mut self, Letter(mail): Letter<R::Mail>, context: &mut Context<Self>) {
        match catch_unwind(AssertUnwindSafe(|| self.role.hear(mail))) {
            Ok(Next::Stay) => {}
            Ok(Next::Rest) => self.directory.remove(self.key),
            Err(_) => context.stop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fragile;

    impl Actor for Fragile {
        type Context = Context<Self>;
    }

    impl Supervised for Fragile {}

    struct Panic;

    impl Message for Panic {
        type Result = ();
    }

    impl Handler<Panic> for Fragile {
        type Result = ();

        fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
            panic!("as told");
        }
    }

    struct Stop;

    impl Message for Stop {
        type Result = ();
    }

    impl Handler<Stop> for Fragile {
        type Result = ();

        fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
            context.stop();
        }
    }

    #[test]
    fn the_supervisor_of_actix_restarts_who_stops_and_not_who_panics() {
        System::new().block_on(async {
            let fragile = Supervisor::start(|_| Fragile);
            fragile.send(Stop).await.unwrap();
            fragile.send(Stop).await.unwrap();
            assert!(fragile.send(Panic).await.is_err());
            assert!(fragile.send(Stop).await.is_err() && !fragile.connected());
        });
    }
}
