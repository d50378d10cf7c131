//! The tests of the rules, in reading order: scripts, the fault matrix, properties, tidiness.
//!
//! `check` turns a script into a transcript; `script`, `machines` and `payment` are the scripts;
//! `breaker` has a script of its own.
//! `world` is a whole small node without a clock or a thread; `matrix` breaks it once in every way
//! that has a name, `property` breaks it at random (the seed is fixed and printed), `counting` counts
//! at random. `reach` walks
//! every state an order can be in. `tidy` holds the workspace to the rules of its layout. `regressions`
//! has the stories of what went wrong once, `stored` reads what the first version wrote.

mod check;

mod script;

mod machines;

mod payment;

mod breaker;

mod world;

mod matrix;

mod property;

mod counting;

mod reach;

mod tidy;

mod regressions;

mod stored;

mod requirements;
