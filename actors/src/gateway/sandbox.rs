//! The built-in sandbox: approves, declines the cards it was told to, and can be slow or silent.
//! It moves no money and keeps no memory, so it answers a repeated key like the first time.

use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use surehold_domain::card::Card;

use super::{Answer, Answering, PaymentGateway, Request};

/// The card number that is declined unless the settings say otherwise.
pub const DECLINED_BY_DEFAULT: &str = "4000000000000002";

/// How the sandbox behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSettings {
    /// Cards and tokens it declines.
    pub decline: BTreeSet<String>,
    /// How long it takes to answer.
    pub delay: Duration,
    /// Whether it never answers at all.
    pub silent: bool,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        SandboxSettings {
            decline: BTreeSet::from([DECLINED_BY_DEFAULT.to_owned()]),
            delay: Duration::ZERO,
            silent: false,
        }
    }
}

/// The sandbox gateway.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    settings: SandboxSettings,
}

impl Sandbox {
    /// A sandbox that behaves like this.
    #[must_use]
    pub fn new(settings: SandboxSettings) -> Sandbox {
        Sandbox { settings }
    }

    async fn take_time(&self) {
        if self.settings.silent {
            pending::<()>().await;
        }
        if !self.settings.delay.is_zero() {
            tokio::time::sleep(self.settings.delay).await;
        }
    }

    fn judge(&self, request: &Request) -> Answer {
        let typed = match (&request.secret, &request.card) {
            (Some(secret), _) => secret.reveal(),
            (None, Some(Card::Token(token))) => token,
            (None, Some(Card::Number { .. })) => {
                return Answer::Declined("the card number is no longer known".to_owned());
            }
            (None, None) => return Answer::Declined("no card was given".to_owned()),
        };
        if self.settings.decline.contains(typed) {
            Answer::Declined("the card was declined".to_owned())
        } else {
            Answer::Captured
        }
    }
}

impl PaymentGateway for Sandbox {
    fn describe(&self) -> String {
        let SandboxSettings { decline, delay, silent } = &self.settings;
        let manner =
            if *silent { "never answers".to_owned() } else { format!("answers after {delay:?}") };
        format!("sandbox: no real money moves; declines {} card(s); {manner}", decline.len())
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        Box::pin(async move {
            self.take_time().await;
            self.judge(&request)
        })
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        Box::pin(async move {
            self.take_time().await;
            match (&request.secret, &request.card) {
                // Without the number there is nothing to judge by: a sandbox that never saw it
                // cannot have taken any money.
                (None, Some(Card::Number { .. }) | None) => Answer::NotFound,
                (Some(_), _) | (None, Some(Card::Token(_))) => self.judge(&request),
            }
        })
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        Box::pin(async move {
            self.take_time().await;
            Answer::Refunded(request.amount)
        })
    }
}
