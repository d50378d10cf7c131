//! Bare tokio tasks again, but what is sent is in a box. A channel of tokio's begins with room for 32 messages, and most of
//! what a task that waits takes is this room: boxes make it small, and cost an allocation for each message.

use super::on_tokio::{OnTokio, Tasks};
use super::role::{Brood, Direct, Host, Next, Role};

/// The host.
pub struct OnLeanTokio;

impl Host for OnLeanTokio {
    type Brood<R: Role> = LeanTasks<R>;

    fn run<T>(work: impl AsyncFnOnce(&Self) -> T) -> T {
        OnTokio::run(async |_| work(&Self).await)
    }

    async fn brood<R: Role>(&self, shelf: R::Shelf) -> LeanTasks<R> {
        LeanTasks(OnTokio.brood::<Boxed<R>>(shelf).await)
    }
}

/// All tasks of one role.
pub struct LeanTasks<R: Role>(Tasks<Boxed<R>>);

impl<R: Role> Clone for LeanTasks<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Role> Brood<R> for LeanTasks<R> {
    fn begin(&self, key: u64, role: R) {
        self.0.begin(key, Boxed(role));
    }

    fn tell(&self, key: u64, mail: R::Mail) -> bool {
        self.0.tell(key, Box::new(mail))
    }

    fn direct(&self, key: u64) -> Option<Direct<R::Mail>> {
        let direct = self.0.direct(key)?;
        Some(Box::new(move |mail| direct(Box::new(mail))))
    }
}

/// A role whose messages come in boxes.
struct Boxed<R>(R);

impl<R: Role> Role for Boxed<R> {
    type Mail = Box<R::Mail>;
    type Shelf = R::Shelf;

    fn again(key: u64, shelf: &R::Shelf) -> Self {
        Self(R::again(key, shelf))
    }

    fn begin(&mut self) {
        self.0.begin();
    }

    fn hear(&mut self, mail: Box<R::Mail>) -> Next {
        self.0.hear(*mail)
    }
}
