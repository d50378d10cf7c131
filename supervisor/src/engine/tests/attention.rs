//! An overdue order is one that the agenda knows and nobody acts on.

use std::sync::Arc;

use surehold_actors::agenda::{Mark, Open};
use surehold_domain::id::{OrderId, OrderKey};
use surehold_domain::time::Span;

use super::stores::Kept;
use super::{FIRST, Town};
use crate::view::{AttentionPage, Look};

#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_acts_on_is_listed_until_it_moves() {
    let town = Town::open(Arc::<Kept>::default()).await;
    let ids = [town.queued("ann", 1, 1).await, town.queued("bob", 1, 1).await];
    let page = async || -> AttentionPage { town.engine.attention(None, 10).await.unwrap() };
    assert_eq!(page().await.items, vec![]);
    // A fault: its time has come, and whoever wakes it is not heard.
    let core = town.engine.core().unwrap();
    core.orders.set_stopped(true);
    let agenda = Arc::clone(&core.post.agenda);
    let key = OrderKey { market: FIRST, order: ids[1] };
    let deadline = town.now();
    agenda.set(key, Some(Open { deadline, owed: None, mark: Mark::Plain }), deadline);
    tokio::time::sleep(std::time::Duration::from_secs(29)).await;
    assert_eq!(page().await.items, vec![], "not at once");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let found = page().await;
    let [item] = &found.items[..] else { panic!("{found:?}") };
    assert_eq!((item.why, item.order, item.market.as_str()), (Look::Overdue, ids[1], "first"));
    assert!(agenda.overdue(town.now(), Span::seconds(30)) == 1);
    core.orders.set_stopped(false);
    town.engine.retry_order(town.first, ids[1]).await.unwrap();
    assert_eq!(page().await.items, vec![], "a new life knows better");
    assert_eq!(OrderId(1), ids[0]);
    town.engine.close().await;
}
