//! The three ways to take an order, each as one would write it: prepared statements, and a transaction that is rolled
//! back when it is dropped.

use std::sync::PoisonError;
use std::time::SystemTime;

use deadpool_postgres::{Client, Transaction};

use super::{Failure, Order, Shop, Way};

const ONE_STATEMENT: &str = include_str!("../../../rivals/one_statement.sql");
const TAKE: &str = include_str!("../../../rivals/take.sql");
const ORDER: &str = include_str!("../../../rivals/order.sql");
const PAYMENT: &str = include_str!("../../../rivals/payment.sql");
const CONFIRM: &str = include_str!("../../../rivals/confirm.sql");

/// An order that is done.
pub(super) struct Placed {
    pub(super) id: i64,
    pub(super) amount: i64,
    pub(super) created_at: SystemTime,
}

impl Shop {
    /// Takes an order; `None` when there is not enough left.
    pub(super) async fn place(&self, order: &Order) -> Result<Option<Placed>, Failure> {
        let mut client = self.pool.get().await?;
        match self.way {
            Way::OneStatement => one_statement(&client, order).await,
            Way::OneTx => one_tx(&mut client, order).await,
            Way::TwoTx => self.two_tx(&mut client, order).await,
        }
    }

    async fn two_tx(&self, client: &mut Client, order: &Order) -> Result<Option<Placed>, Failure> {
        let reserve = client.transaction().await?;
        let Some(placed) = take(&reserve, order, "reserved").await? else { return Ok(None) };
        reserve.commit().await?;
        self.charge(placed.id, placed.amount);
        let confirm = client.transaction().await?;
        pay(&confirm, &placed).await?;
        let statement = confirm.prepare_cached(CONFIRM).await?;
        confirm.execute(&statement, &[&placed.id]).await?;
        confirm.commit().await?;
        Ok(Some(placed))
    }

    /// The payment service, at no distance and without a delay, as our own sandbox is: it takes note of the charge.
    fn charge(&self, order: i64, amount: i64) {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner).insert(order, amount);
    }
}

async fn one_statement(client: &Client, order: &Order) -> Result<Option<Placed>, Failure> {
    let statement = client.prepare_cached(ONE_STATEMENT).await?;
    let card = &order.payment.card;
    let row = client
        .query_opt(&statement, &[&order.offering, &order.quantity, &order.customer, card])
        .await?;
    Ok(row.map(|row| Placed { id: row.get(0), amount: row.get(1), created_at: row.get(2) }))
}

async fn one_tx(client: &mut Client, order: &Order) -> Result<Option<Placed>, Failure> {
    let transaction = client.transaction().await?;
    let Some(placed) = take(&transaction, order, "confirmed").await? else { return Ok(None) };
    pay(&transaction, &placed).await?;
    transaction.commit().await?;
    Ok(Some(placed))
}

/// The guarded update and the order.
async fn take(
    transaction: &Transaction<'_>,
    order: &Order,
    phase: &str,
) -> Result<Option<Placed>, Failure> {
    let statement = transaction.prepare_cached(TAKE).await?;
    let taken = transaction.query_opt(&statement, &[&order.offering, &order.quantity]).await?;
    let Some(taken) = taken else { return Ok(None) };
    let amount: i64 = taken.get(0);
    let statement = transaction.prepare_cached(ORDER).await?;
    let Order { customer, offering, quantity, payment } = order;
    let row = transaction
        .query_one(&statement, &[customer, offering, quantity, &amount, &payment.card, &phase])
        .await?;
    Ok(Some(Placed { id: row.get(0), amount, created_at: row.get(1) }))
}

async fn pay(transaction: &Transaction<'_>, placed: &Placed) -> Result<(), Failure> {
    let statement = transaction.prepare_cached(PAYMENT).await?;
    transaction.execute(&statement, &[&placed.id, &placed.amount]).await?;
    Ok(())
}
