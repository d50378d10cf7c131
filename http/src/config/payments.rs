//! Who moves the money: the sandbox, unless a payment service or Stripe is named.

use std::fmt;
use std::sync::Arc;

use surehold::gateway::json::JsonGateway;
use surehold::gateway::stripe::webhook::Webhook;
use surehold::gateway::stripe::{ApiKey, STRIPE, Stripe};
use surehold::{PaymentGateway, Sandbox, SandboxSettings};

use super::{ConfigError, Secrets};

/// The environment variable with Stripe's API key. It is no flag, so that it is in no process list.
pub const STRIPE_KEY: &str = "SUREHOLD_STRIPE_KEY";
/// The environment variable with the secret that Stripe signs its events with.
pub const STRIPE_WEBHOOK_SECRET: &str = "SUREHOLD_STRIPE_WEBHOOK_SECRET";

/// Who moves the money.
#[derive(Clone)]
pub struct Payments {
    /// The gateway.
    pub gateway: Arc<dyn PaymentGateway>,
    /// What reads Stripe's events, if they are expected.
    pub webhook: Option<Webhook>,
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payments({})", self.gateway.describe())
    }
}

/// What was said about payments, wherever it was said.
pub(super) struct Asked {
    pub(super) payment_url: Option<String>,
    pub(super) stripe_url: Option<String>,
    pub(super) sandbox: Option<SandboxSettings>,
}

impl Payments {
    /// The one gateway that was asked for.
    ///
    /// # Errors
    /// If it cannot be told which, or a setting is wrong.
    pub(super) fn choose(asked: Asked, secrets: &Secrets) -> Result<Payments, ConfigError> {
        let Asked { payment_url, stripe_url, sandbox } = asked;
        let wrong = |reason: String| Err(ConfigError::Value(reason));
        let key = secrets.stripe_key.as_deref();
        let named = match (&payment_url, key) {
            (Some(_), Some(_)) => {
                return wrong(format!("--payment-url and {STRIPE_KEY}: set only one of them"));
            }
            (Some(_), None) => Some("--payment-url"),
            (None, Some(_)) => Some(STRIPE_KEY),
            (None, None) => None,
        };
        if let (Some(named), Some(_)) = (named, &sandbox) {
            return wrong(format!("sandbox: is not used with {named}; remove one of the two"));
        }
        if key.is_none() {
            let alone = [("--stripe-url", stripe_url.is_some())];
            let secret = (STRIPE_WEBHOOK_SECRET, secrets.stripe_webhook.is_some());
            let alone = alone.into_iter().chain([secret]).find(|(_, set)| *set);
            if let Some((name, _)) = alone {
                return wrong(format!("{name}: needs the API key in {STRIPE_KEY}"));
            }
        }
        match (payment_url, key) {
            (Some(url), _) => {
                let gateway = JsonGateway::new(&url).map_err(of("--payment-url"))?;
                Ok(Payments { gateway: Arc::new(gateway), webhook: None })
            }
            (None, Some(key)) => stripe(key, stripe_url, secrets),
            (None, None) => {
                let gateway = Sandbox::new(sandbox.unwrap_or_default());
                Ok(Payments { gateway: Arc::new(gateway), webhook: None })
            }
        }
    }
}

fn stripe(key: &str, url: Option<String>, secrets: &Secrets) -> Result<Payments, ConfigError> {
    let key = ApiKey::parse(key).map_err(of(STRIPE_KEY))?;
    let url = url.unwrap_or_else(|| STRIPE.to_owned());
    let gateway = Stripe::new(&url, key).map_err(of("--stripe-url"))?;
    let webhook = secrets.stripe_webhook.as_deref().map(Webhook::new).transpose();
    let webhook = webhook.map_err(of(STRIPE_WEBHOOK_SECRET))?;
    Ok(Payments { gateway: Arc::new(gateway), webhook })
}

/// Puts the setting's name before what is wrong with it.
fn of(name: &'static str) -> impl Fn(String) -> ConfigError {
    move |reason| ConfigError::Value(format!("{name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_test_0123456789abcdef";

    fn choose(
        url: Option<&str>,
        stripe_url: Option<&str>,
        sandbox: bool,
        (key, webhook): (Option<&str>, Option<&str>),
    ) -> Result<String, String> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let sandbox = sandbox.then(SandboxSettings::default);
        let asked = Asked { payment_url: own(url), stripe_url: own(stripe_url), sandbox };
        let (stripe_key, stripe_webhook) = (own(key), own(webhook));
        let secrets = Secrets { stripe_key, stripe_webhook, ..Secrets::default() };
        let chosen = Payments::choose(asked, &secrets);
        chosen.map(|payments| format!("{payments:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn one_gateway_or_one_line() {
        let is = |said: Result<String, String>, words: &str| {
            let (Ok(text) | Err(text)) = &said;
            assert!(text.contains(words) && !text.contains("0123"), "{said:?}");
            said.is_ok()
        };
        assert!(is(choose(None, None, false, (None, None)), "sandbox: no real money"));
        assert!(is(choose(None, None, true, (None, None)), "sandbox: no real money"));
        assert!(is(choose(Some("https://p.example"), None, false, (None, None)), "p.example"));
        assert!(is(choose(None, None, false, (Some(KEY), Some("whsec_1"))), "sk_test_...cdef"));
        for (url, stripe_url, sandbox, secrets, words) in [
            (Some("https://p.example"), None, false, (Some(KEY), None), "only one"),
            (Some("https://p.example"), None, true, (None, None), "with --payment-url"),
            (None, None, true, (Some(KEY), None), "with SUREHOLD_STRIPE_KEY"),
            (None, Some("http://127.0.0.1:1"), false, (None, None), "--stripe-url: needs"),
            (None, None, false, (None, Some("whsec_1")), "WEBHOOK_SECRET: needs"),
            (Some("p.example"), None, false, (None, None), "--payment-url: \"p.example\""),
            (None, None, false, (Some("pk_test_0123456789"), None), "STRIPE_KEY: is not"),
            (None, None, false, (Some(KEY), Some(" ")), "WEBHOOK_SECRET: is empty"),
        ] {
            assert!(!is(choose(url, stripe_url, sandbox, secrets), words));
        }
    }
}
