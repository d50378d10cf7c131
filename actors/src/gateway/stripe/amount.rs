//! Amounts as Stripe counts them. Like us it counts in the smallest unit of the currency, won of KRW
//! and cents of EUR alike; a few currencies it counts in its own way.

use surehold_domain::money::Money;

/// Without minor units, and yet counted in hundredths, as in the days when they had some.
const IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];
/// With minor units (fifths, by the standard counted in hundredths), and yet counted in whole ones.
const IN_WHOLE: [&str; 1] = ["MGA"];
/// With three decimals, of which the last must be zero.
const IN_TENS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// The amount as Stripe counts it.
///
/// # Errors
/// Why Stripe cannot move it.
pub(super) fn at_stripe(money: Money) -> Result<i64, String> {
    let (amount, code) = (money.amount(), money.currency());
    let multiple = |of: i64| {
        if amount % of == 0 {
            Ok(amount)
        } else {
            Err(format!("Stripe moves {code} only in steps of {of}, and this is {amount}"))
        }
    };
    if IN_HUNDREDTHS.contains(&code.code()) {
        Ok(amount.saturating_mul(100))
    } else if IN_WHOLE.contains(&code.code()) {
        Ok(multiple(100)? / 100)
    } else if IN_TENS.contains(&code.code()) {
        multiple(10)
    } else {
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use surehold_domain::money::Currency;

    use super::*;

    #[test]
    fn counts_like_stripe() {
        for (code, amount, expected) in [
            ("EUR", 1250, Some(1250)),
            ("KRW", 30_000, Some(30_000)),
            ("JPY", 500, Some(500)),
            ("ISK", 500, Some(50_000)),
            ("MGA", 500, Some(5)),
            ("MGA", 520, None),
            ("KWD", 1230, Some(1230)),
            ("KWD", 1234, None),
        ] {
            let money = Money::new(amount, Currency::parse(code).unwrap()).unwrap();
            assert_eq!(at_stripe(money).ok(), expected, "{money}");
        }
    }
}
