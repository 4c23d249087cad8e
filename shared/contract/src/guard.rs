//! Owns the list of guards: every condition whose absence would break a promise, by name.
//! Never decides anything itself in a normal build: there `holds` is its argument and `stands` is true.
//! Next: `make mutants` builds with the feature `mutants`, removes one guard after the other (`MURMUR_MUTANT`), and
//! demands that a named test fails.

macro_rules! guards {
    ($($guard:ident = $name:literal),+ $(,)?) => {
        /// One condition of the protocol (`docs/protocol.md`), or of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Guard { $($guard),+ }

        impl Guard {
            pub const ALL: &[Guard] = &[$(Guard::$guard),+];

            pub const fn name(self) -> &'static str {
                match self { $(Guard::$guard => $name),+ }
            }
        }
    };
}

guards! {
    // the goal
    AcceptDigest = "accept-digest",
    GoalEnded = "goal-ended",
    EndOnce = "end-once",
    EndVersion = "end-version",
    EndExists = "end-exists",
    EndDue = "end-due",
    DeadlineClosable = "deadline-closable",
    // joins, the terminal one included
    ArriveClosed = "arrive-closed",
    ArriveMember = "arrive-member",
    ToldAfterEmit = "told-after-emit",
    OpenOnce = "open-once",
    CloseOnce = "close-once",
    CloseVersion = "close-version",
    CloseDue = "close-due",
    ClosableQuorum = "closable-quorum",
    ClosableRequired = "closable-required",
    HoldPostpones = "hold-postpones",
    // the claim's table
    OwnerRow = "owner-row",
    DigestRow = "digest-row",
    DigestFirst = "digest-first",
    RedriveN = "redrive-n",
    RoundsCap = "rounds-cap",
    HalfParkRow = "half-park-row",
    Lease = "lease",
    LeaseMargin = "lease-margin",
    NotBefore = "not-before",
    RoundEpoch = "round-epoch",
    TakeoverEpoch = "takeover-epoch",
    TakeoverAsRead = "takeover-as-read",
    ReleaseClaimEpoch = "release-claim-epoch",
    AloneCounting = "alone-counting",
    AloneGate = "alone-gate",
    // the holder's writes: owner and epoch as one (either alone fences already), and the state
    HeartbeatMine = "heartbeat-mine",
    ReleaseMine = "release-mine",
    ReleaseState = "release-state",
    CommitMine = "commit-mine",
    CommitState = "commit-state",
    ParkMine = "park-mine",
    ParkState = "park-state",
    OwnTokenGoesOn = "own-token-goes-on",
    // effects
    DlqParks = "dlq-parks",
    DlqN = "dlq-n",
    DeadLetterFirst = "dead-letter-first",
    EffectsBeforeDelete = "effects-before-delete",
    Emitted = "emitted",
    EmitFailures = "emit-failures",
    DeleteFailures = "delete-failures",
    UnprocessedKeys = "unprocessed-keys",
    // budgets
    ReserveEnded = "reserve-ended",
    ReserveKey = "reserve-key",
    ReserveFloor = "reserve-floor",
    ReserveAllowance = "reserve-allowance",
    SettleKey = "settle-key",
    BookAtClaim = "book-at-claim",
    BookInEffects = "book-in-effects",
    BookOwn = "book-own",
    FloorRises = "floor-rises",
    // the contract
    ArtifactDigest = "artifact-digest",
    ExpiryOnRead = "expiry-on-read",
    HopLimit = "hop-limit",
    BodySize = "body-size",
    JsonDepth = "json-depth",
    SourcePermitted = "source-permitted",
}

/// Whether the condition holds, or its guard is the one that was removed.
pub fn holds(guard: Guard, condition: bool) -> bool {
    condition || !stands(guard)
}

/// Whether the guard is in place. Only a mutant's build can answer no.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn stands(_: Guard) -> bool {
    true
}

#[cfg(feature = "mutants")]
pub fn stands(guard: Guard) -> bool {
    use std::sync::OnceLock;
    static REMOVED: OnceLock<Option<Guard>> = OnceLock::new();
    *REMOVED.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a switch of the test build, not configuration")]
        let name = std::env::var("MURMUR_MUTANT").ok()?;
        Guard::ALL.iter().copied().find(|guard| guard.name() == name)
    }) != Some(guard)
}
