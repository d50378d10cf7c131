//! The committed samples, those of the folder `fuzz/corpus`: real ones, and mutants that were worth a thought. Generated
//! inputs of the coverage-guided runs join them when they found something; a test says which line to add.

/// An input and its name.
pub type Sample = (&'static str, &'static [u8]);

macro_rules! corpus {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../fuzz/corpus/", $folder, "/", $name)))),*]
    };
}

/// Envelopes around every shape.
pub const ENVELOPE: &[Sample] = corpus!("envelope":
    "bool-of-two" "empty" "golden-3" "left-over" "list-of-everything" "long-text" "map-of-everything" "no-utf8"
    "nothing-in-it" "number-longer-than-needed" "small" "text-of-200-mib" "text-of-everything" "text-with-hangul"
    "version-only" "wide-numbers"
);

/// Frames of the journal.
pub const FRAME: &[Sample] = corpus!("frame":
    "count-everything" "count-none" "count-one-more" "cut-in-header" "cut-in-record" "empty" "first" "later-version"
    "left-over" "length-everything" "length-one-more" "ordinal-last" "ordinal-none" "second" "second-as-first"
    "sequence-last" "sequence-none" "two-in-one" "version-only"
);

/// Facts and states of every kind, of every version.
pub const FACT: &[Sample] = corpus!("fact":
    "confirmation-facts-v1-0" "confirmation-facts-v1-3" "confirmation-states-v1-0" "confirmation-states-v1-3" "empty"
    "key-facts-v1-0" "key-of-200-mib" "key-states-v1-0" "kind-only" "market-name" "message-facts-v1-0"
    "message-facts-v1-3" "message-facts-v1-6" "message-states-v1-0" "message-states-v1-4" "mileage-facts-v1-0"
    "mileage-states-v1-0" "mileage-states-v1-1" "newer-version" "node-opened" "offering-facts-v1-0"
    "offering-facts-v1-3" "offering-facts-v2-0" "offering-facts-v2-12" "offering-facts-v2-3" "offering-facts-v2-6"
    "offering-facts-v2-9" "offering-states-v1-0" "offering-states-v1-3" "offering-states-v2-0" "offering-states-v2-12"
    "offering-states-v2-6" "order-facts-v1-0" "order-facts-v1-10" "order-facts-v1-15" "order-facts-v1-20"
    "order-facts-v1-5" "order-facts-v2-0" "order-facts-v2-10" "order-facts-v2-15" "order-facts-v2-20"
    "order-facts-v2-25" "order-facts-v2-5" "order-states-v1-0" "order-states-v1-11" "order-states-v2-0"
    "order-states-v2-15" "payment-facts-v1-0" "payment-facts-v1-3" "payment-facts-v1-6" "payment-states-v1-0"
    "payment-states-v1-4" "payment-states-v1-8" "review-facts-v1-0" "review-states-v1-0" "review-states-v1-1"
    "review-states-v1-2" "serial-facts-v1-0" "serial-states-v1-0" "switch-facts-v1-0" "switch-states-v1-0"
);

/// Market files.
pub const MARKET: &[Sample] = corpus!("market":
    "airbnb" "amount-everything" "carriage-return" "cinema" "currency-of-hangul" "deep" "edu" "empty" "gasstation"
    "guide" "hotel" "key-with-break" "name-only" "name-with-break" "nan" "no-name" "no-toml" "offering-none"
    "offering-twice" "page-0" "skipped-hour" "span-everything" "talentshare" "text-with-break" "unknown-key"
    "yogiyogi"
);

/// Events of Stripe's.
pub const WEBHOOK: &[Sample] = corpus!("webhook":
    "another-shop" "deep" "empty" "half-of-a-pair" "hangul" "key-everything" "key-in-capitals" "key-too-great"
    "key-with-sign" "many" "no-body" "no-digits" "no-signature" "no-time" "not-an-object" "odd-digits" "payment"
    "refund" "several" "time-everything" "time-too-great" "time-with-sign"
);

/// Answers of a payment service.
pub const ANSWER: &[Sample] = corpus!("answer":
    "accepted" "asked-captured" "asked-declined" "asked-none" "asked-none-json" "asked-none-page" "asked-number"
    "asked-refunded" "asked-thinking" "captured-empty" "captured-id" "captured-state" "declined-402" "declined-409"
    "declined-controls" "declined-empty" "declined-hangul" "declined-list" "declined-long" "declined-state"
    "declined-with-number" "deep" "empty" "fault-captures" "fault-declines" "page" "refund-accepted" "refund-refused"
    "refunded" "refunded-amount" "refunded-float" "refunded-huge" "refunded-less" "sent-elsewhere" "short"
);

/// HTTP requests, for the crate that knows HTTP.
pub const REQUEST: &[Sample] = corpus!("request":
    "airbnb-01" "airbnb-02" "airbnb-03" "airbnb-04" "airbnb-05" "airbnb-06" "airbnb-07" "airbnb-08" "airbnb-09"
    "airbnb-10" "airbnb-11" "airbnb-12" "airbnb-13" "attention" "audit" "availability" "broken-percent" "deep"
    "description" "edu-01" "edu-02" "edu-03" "edu-04" "edu-05" "edu-06" "edu-07" "edu-08" "edu-09" "edu-10" "events"
    "events-batch" "events-stream" "form" "gasstation-01" "gasstation-02" "gasstation-03" "gasstation-04"
    "gasstation-05" "gasstation-06" "gasstation-07" "gasstation-08" "gasstation-09" "gasstation-10" "gasstation-11"
    "gasstation-12" "gasstation-13" "gasstation-14" "head" "life" "long-path" "messages" "metrics" "mileage" "no-json"
    "offering-change" "offering-close" "offering-list" "offering-nights" "offering-seats" "offering-show"
    "offering-slots" "order-by-key" "order-cancel" "order-cancellation-quote" "order-complete" "order-confirm"
    "order-declined" "order-history" "order-key" "order-later" "order-list" "order-nights" "order-number" "order-pay"
    "order-place" "order-reject" "order-show" "order-slot" "order-supply" "paging" "preflight" "profile" "put-room"
    "queue" "ready" "rebuild" "retry" "review" "review-remove" "review-show" "reviews" "root" "sold-out" "stock"
    "stock-removed" "stripe" "talentshare-01" "talentshare-02" "talentshare-03" "talentshare-04" "talentshare-05"
    "talentshare-06" "talentshare-07" "talentshare-08" "talentshare-09" "text-plain" "tree" "views" "wrong-method"
    "yogiyogi-01" "yogiyogi-02" "yogiyogi-03" "yogiyogi-04" "yogiyogi-05" "yogiyogi-06" "yogiyogi-07" "yogiyogi-08"
    "yogiyogi-09"
);
