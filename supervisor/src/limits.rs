//! Every bound of the engine, on one page, each with the reason for its number.
//!
//! Mailboxes are unbounded, so the bounds stand in front of them: work is counted where it enters.

use std::time::Duration;

use surehold_domain::time::Span;

/// Orders being placed at once; the next ones are refused before any work is done. Above a thousand
/// more concurrency only adds waiting: the disk is saturated by then.
pub const PLACING_MAX: usize = 4096;
/// Orders being placed at once for one offering: half of them all, so that a crowd at one offering
/// leaves room for the others. They enter through two lanes, each of which takes half of these.
pub const OFFERING_PLACING_MAX: usize = PLACING_MAX / 2;
/// Lanes in all; an offering is given two of them. At 40 bytes each a table that is worth no thought,
/// and large enough that two offerings hardly ever have both in common.
pub const LANES: usize = 1024;
/// Commands under way at once, for the same reason.
pub const COMMANDS_MAX: usize = 4096;
/// How long a request waits for its turn before it is refused.
pub const ADMISSION_WAIT: Duration = Duration::from_millis(500);
/// Requests that wait for their turn at once; the next ones are refused at once. As many as there is
/// work under way: more could hardly be served within [`ADMISSION_WAIT`].
pub const WAITING_MAX: usize = PLACING_MAX + COMMANDS_MAX;
/// How long a customer waits for an order to settle before being told to look again.
pub const SETTLE_WAIT: Duration = Duration::from_secs(10);
/// How long a cancelling customer waits for money and units to be back before being told to look again.
pub const UNDO_WAIT: Duration = Duration::from_secs(3);
/// How long one gateway call may take before its outcome counts as unknown.
pub const GATEWAY_CALL: Duration = Duration::from_secs(10);

/// Gateway calls under way at once, one task each; the rest wait for a permit.
pub const GATEWAY_CALLS_MAX: usize = 512;
/// How long an order may wait before the gateway takes it on. Orders that would wait longer are refused
/// before any work is done: with the call itself the slowest are done in less than two seconds at a
/// gateway that manages a hundred orders a second or more.
pub const GATEWAY_WAIT: Duration = Duration::from_millis(600);
/// So many orders may stand before the gateway however slow it is: without any it would not be noticed
/// that it became faster.
pub const TICKETS_MIN: usize = 16;
/// How long an order that was let in is counted on its way to the payments. It gets there within
/// milliseconds and is counted there; this is for a machine that is busy.
pub const TICKET_HELD: Duration = Duration::from_millis(500);
/// How long an order waits that finds too many before it: as long as it takes to see that they came
/// all at once and are gone. Nobody minds hearing a no so late.
pub const TICKET_PAUSE: Duration = Duration::from_millis(50);

/// The circuit breaker of the gateway. Half of twenty calls or more without an answer is no chance;
/// nor are four of five that took half of [`GATEWAY_CALL`]. A gateway that restarts is back within
/// seconds, one that is down for long is tried every two minutes. Three trials cost three customers
/// a wait, and one that is not heard of for longer than a call may take was never sent.
pub const BREAKER: surehold_domain::breaker::Settings = surehold_domain::breaker::Settings {
    window: 50,
    age: Span::seconds(120),
    calls_min: 20,
    unanswered_percent: 50,
    slow_percent: 80,
    slow: Span::seconds(5),
    pause: Span::seconds(5),
    pause_max: Span::seconds(120),
    trials: 3,
    trial_wait: Span::seconds(15),
};
/// Unpaid orders that are paid per round of the timers once the breaker closes again: the gateway
/// has just come back, and customers at the counter go first.
pub const RESUMED_MAX: usize = 32;

/// Live children of one kind (orders, offerings) before the idle longest go to sleep early. One
/// costs about 2 KiB, of which 1 KiB is the task of an order with its state in it.
pub const LIVE_MAX: usize = 50_000;
/// Sweeps an order may be idle before it goes to sleep.
pub const ORDER_IDLE_SWEEPS: u32 = 2;
/// The same of an offering: to wake up it reads who holds how much of it, and there are far fewer of
/// them than orders. One that sells something every minute stays up.
pub const OFFERING_IDLE_SWEEPS: u32 = 90;
/// Pause between two sweeps.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Messages kept for an order that is between two lives. More than one ever gets at once.
pub const ORDER_MAIL_MAX: usize = 64;
/// Messages kept for an offering that is between two lives: all work that is let in may be for it, and
/// what was under way before it died asks again.
pub const OFFERING_MAIL_MAX: usize = 2 * (PLACING_MAX + COMMANDS_MAX);
/// Children listed in the tree by name; the rest are counted.
pub const TREE_CHILDREN_MAX: usize = 100;

/// Restarts of one child within [`CHILD_WINDOW`] before it is quarantined.
pub const CHILD_RESTARTS_MAX: usize = 3;
/// See [`CHILD_RESTARTS_MAX`].
pub const CHILD_WINDOW: Duration = Duration::from_secs(30);
/// Pause before a child's first restart; it doubles with each further one.
pub const CHILD_BACKOFF: Duration = Duration::from_millis(100);

/// Restarts of one participant within [`PARTICIPANT_WINDOW`] before its supervisor gives up. Far
/// above the root's budget, because budgets multiply: a participant that crashes ten times a second
/// still heals.
pub const PARTICIPANT_RESTARTS_MAX: usize = 200;
/// See [`PARTICIPANT_RESTARTS_MAX`].
pub const PARTICIPANT_WINDOW: Duration = Duration::from_secs(10);
/// Pause before a participant's restart; it doubles up to [`PARTICIPANT_BACKOFF_MAX`].
pub const PARTICIPANT_BACKOFF: Duration = Duration::from_millis(1);
/// See [`PARTICIPANT_BACKOFF`].
pub const PARTICIPANT_BACKOFF_MAX: Duration = Duration::from_millis(50);

/// Longest pause before the restart of a participant that orders go on without.
pub const SUPPORTING_BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Restarts of the tree within [`ROOT_WINDOW`] before the process gives up. Disks that refuse
/// writes do not count: the root waits for them.
pub const ROOT_RESTARTS_MAX: usize = 3;
/// See [`ROOT_RESTARTS_MAX`].
pub const ROOT_WINDOW: Duration = Duration::from_secs(60);
/// Pause between two looks at a disk that refused a write.
pub const DISK_PAUSE: Duration = Duration::from_secs(1);
/// Room that must be there before orders are taken again after a disk refused a write, in bytes.
pub const DISK_ROOM: u64 = 2 * 1024 * 1024;

/// Records in memory since the last checkpoint before the next one is made: about 100 MB.
pub const TAIL_RECORDS_MAX: usize = 400_000;
/// Records in memory at which no more orders are taken: the snapshots cannot keep up. About 1 GB.
pub const TAIL_RECORDS_HARD_MAX: usize = 4_000_000;
/// Pause between two looks at stretches of the snapshots that nobody used yet. One takes about half a
/// millisecond, so this is a fortieth of a core; 10 million orders are looked through in a quarter of an hour.
pub const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// A checkpoint is made at least this often, if anything happened.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(20);
/// Committed records one follower takes in one go: a list of them is some tens of kilobytes, which the
/// allocator gives and takes without asking the system.
pub const FOLLOWER_RECORDS: usize = 1024;
/// Pause between two gulps of a follower, so that it works in batches.
pub const FOLLOWER_PAUSE: Duration = Duration::from_millis(20);
/// How long a list waits for the views to reach what was committed when it was asked for.
pub const VIEW_WAIT: Duration = Duration::from_secs(3);
/// What the views learned is stored at least this often while they learn.
pub const VIEWS_STORED_EVERY: Span = Span::seconds(20);
/// Entries the views learned before they are stored: a batch of that many takes some tens of
/// milliseconds, and lists wait for it.
pub const VIEWS_RECENT_MAX: usize = 100_000;
/// Keys of an index that is no longer live removed in one batch; some of them hold ten kilobytes.
pub const VIEWS_SWEPT_MAX: usize = 512;
/// Pause between two gulps of a rebuild of the views, so that orders do not notice it.
pub const VIEWS_BESIDE_PAUSE: Duration = Duration::from_millis(5);

/// Records that stay in the journal unless it is told otherwise: about a gigabyte, and the last eight
/// hundred thousand orders for those who read events. A journal that is smaller is left alone.
pub const KEPT_RECORDS: u64 = 8_000_000;
/// Records that are archived and removed in one stride: some 20 MB in memory meanwhile. An offering that
/// is in great demand, whose state is large, is archived once in a stride.
pub const RETENTION_STRIDE: u64 = 65_536;
/// So much more than is kept may be there before the next stride is worth it, as a part of what is
/// kept; never more than a stride.
pub const RETENTION_SLACK_PART: u64 = 8;
/// Bytes archived in one commit, about: the writer of the journal waits for it, some milliseconds.
pub const RETENTION_BATCH_BYTES: usize = 512 * 1024;
/// Frames removed in one commit, for the same reason: under load one has some tens of kilobytes.
pub const RETENTION_FRAMES: usize = 64;
/// Pauses between commits are so many times as long as the work before: at most a quarter of one
/// processor, which under full load is an eighth of the smallest machine.
pub const RETENTION_REST: u32 = 3;
/// Longest such pause: a commit that waited for the disk must not hold the next one up for long.
pub const RETENTION_PAUSE_MAX: Duration = Duration::from_millis(500);

/// How far a follower has come is stored this often while it moves; after a crash it does so much
/// once more, which is harmless.
pub const CURSOR_STORED_EVERY: Span = Span::seconds(5);

/// Orders woken at once when a participant comes back.
pub const WAKE_CHUNK: usize = 256;
/// How long past its deadline an order may be before that is a fault.
pub const OVERDUE_GRACE: Duration = Duration::from_secs(30);
/// Due orders woken per tick.
pub const DUE_MAX: usize = 1024;
/// Most items of one page.
pub const PAGE_MAX: usize = 1000;
/// Orders looked at for one page of a filtered list; the cursor says where to go on.
pub const SCAN_MAX: usize = 10_000;
/// Highest number an offering may be given by hand: lists walk the numbers.
pub const OFFERING_ID_MAX: u64 = 1_000_000;
/// Offerings kept decoded, so that placing an order reads none from the shelf.
pub const CATALOGUE_MAX: usize = 100_000;
/// Findings an audit lists.
pub const FINDINGS_MAX: usize = 100;
/// How far a clock may have gone back since the last record for the engine to go on ahead of it: a
/// clock that is set right, or a machine that is moved. More was a wrong date once, and is no time to
/// go on from.
pub const CLOCK_BACK_MAX: Span = Span::seconds(24 * 60 * 60);
/// Pause between two beats of the pulse.
pub const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Without a beat for this long the process is not alive: the scheduler stands still, and nothing
/// else will move it. A machine that was busy for seconds comes back by itself.
pub const BEAT_MISSING: Duration = Duration::from_secs(15);
/// When records wait for the disk and it took none for this long, the process is not alive. Disks
/// that are shared take ten seconds for a sync now and then; one that takes thirty hangs.
pub const JOURNAL_STALLED: Duration = Duration::from_secs(30);
/// How long closing may take before the process leaves the rest to recovery.
pub const DRAIN: Duration = Duration::from_secs(8);
/// How long those who still wait then may take to say how far their order came.
pub const PARTING: Duration = Duration::from_millis(500);
