//! Redis as the model has it: what one shard's keys hold, and each script or transaction as one step.

use super::plan::{ENTRIES_MAX, LANES, Plan};

/// What a fence holds, and the right that a pass gives. Every tenure has one of its own; 0 is nobody's.
pub(crate) type Token = u8;
/// A set of entries or of causes, by number.
pub(crate) type Set = u8;

pub(crate) fn has(set: Set, number: usize) -> bool {
    set >> number & 1 == 1
}

pub(crate) fn numbers(set: Set) -> impl Iterator<Item = usize> {
    (0..ENTRIES_MAX).filter(move |number| has(set, *number))
}

pub(crate) fn first(set: Set) -> usize {
    set.trailing_zeros() as usize
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Redis {
    /// `sg:fence`
    pub(crate) fence: Token,
    /// Tenures so far. Tokens are never used twice.
    pub(crate) tenures: Token,
    /// `sg:stream`: entries so far, by the plan.
    pub(crate) appended: usize,
    /// The group's last delivered id: entries before it were read.
    pub(crate) delivered: usize,
    /// The group's pending list. Whose an entry is says nothing: an owner claims all.
    pub(crate) pending: Set,
    /// `sg:attempts`: the token under which an entry runs.
    pub(crate) running: [Token; ENTRIES_MAX],
    /// `sg:done`: causes.
    pub(crate) done: Set,
    /// `sg:guests`: to whom a lane is left.
    pub(crate) guests: [Token; LANES],
    /// `sg:stream:outbound`: causes whose actions were appended, in order.
    pub(crate) outbound: Vec<u8>,
}

pub(crate) enum Started {
    Run,
    /// Its cause is done; it is acked.
    Copy,
    /// It was settled by somebody else.
    Gone,
    /// The lane is left to a guest.
    Wait,
    Fenced,
}

impl Redis {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            fence: 0,
            tenures: 0,
            appended: plan.there,
            delivered: 0,
            pending: 0,
            running: [0; ENTRIES_MAX],
            done: 0,
            guests: [0; LANES],
            outbound: Vec::new(),
        }
    }

    /// `lease/may.lua`
    pub(crate) fn may(&self, token: Token, lane: usize) -> bool {
        self.fence == token || self.guests[lane] == token
    }

    /// `lease/acquire.lua`, when the lease of the owner before has run out, which it may at any time.
    pub(crate) fn acquire(&mut self) -> Token {
        self.tenures += 1;
        self.fence = self.tenures;
        self.fence
    }

    /// `lease/hand_over.lua`. False when the shard was not ours any more.
    pub(crate) fn hand_over(&mut self, plan: &Plan, token: Token, turns: impl Iterator<Item = (usize, usize)>) -> bool {
        if self.fence != token {
            return false;
        }
        for (lane, entry) in turns {
            if self.running[entry] == token || !plan.safeguards.running_check {
                self.guests[lane] = token;
            }
        }
        self.fence = 0;
        true
    }

    /// XAUTOCLAIM of one page from an entry on; the cursor of the next page.
    pub(crate) fn claim(&self, from: usize, page: usize) -> (Set, Option<usize>) {
        let mut rest = numbers(self.pending).filter(|entry| *entry >= from);
        let claimed = rest.by_ref().take(page).fold(0, |set, entry| set | 1 << entry);
        (claimed, rest.next())
    }

    /// XREADGROUP of new entries.
    pub(crate) fn read(&mut self, page: usize) -> Set {
        let end = self.appended.min(self.delivered + page);
        let read = (self.delivered..end).fold(0, |set, entry| set | 1 << entry);
        self.delivered = end;
        self.pending |= read;
        read
    }

    /// `ledger/start.lua`. `is_late`: the deadline of a pass on this lane is over.
    pub(crate) fn start(
        &mut self,
        plan: &Plan,
        token: Token,
        entry: usize,
        is_claimed: bool,
        is_late: bool,
    ) -> Started {
        let lane = plan.entries[entry].lane;
        if self.fence != token {
            return Started::Fenced;
        }
        if self.guests[lane] != 0 {
            if !is_late {
                return Started::Wait;
            }
            if plan.safeguards.guest_removal {
                self.guests[lane] = 0;
            }
        }
        if is_claimed && plan.safeguards.pending_check && !has(self.pending, entry) {
            return Started::Gone;
        }
        if plan.keeps_marks && has(self.done, plan.entries[entry].cause) {
            self.ack(1 << entry);
            return Started::Copy;
        }
        self.running[entry] = token;
        Started::Run
    }

    /// `ledger/commit.lua`. False when it was refused.
    pub(crate) fn commit(&mut self, plan: &Plan, token: Token, entries: Set) -> bool {
        let head = &plan.entries[first(entries)];
        if !self.may(token, head.lane) && plan.safeguards.commit_fence {
            return false;
        }
        let is_before = if plan.keeps_marks { has(self.done, head.cause) } else { !has(self.pending, first(entries)) };
        if !is_before {
            for entry in numbers(entries) {
                let cause = plan.entries[entry].cause;
                self.outbound.push(cause as u8);
                if plan.safeguards.done_mark {
                    self.done |= 1 << cause;
                }
            }
        }
        if !is_before || plan.keeps_marks {
            self.ack(entries);
        }
        self.return_pass(token, head.lane);
        true
    }

    /// `ledger/attempt.lua`: the turn failed or was put back; nobody runs its entry. False when it was refused.
    pub(crate) fn put_back(&mut self, token: Token, lane: usize, entry: usize) -> bool {
        if !self.may(token, lane) {
            return false;
        }
        self.running[entry] = 0;
        self.return_pass(token, lane);
        true
    }

    fn return_pass(&mut self, token: Token, lane: usize) {
        if self.fence != token && self.guests[lane] == token {
            self.guests[lane] = 0;
        }
    }

    fn ack(&mut self, entries: Set) {
        self.pending &= !entries;
        numbers(entries).for_each(|entry| self.running[entry] = 0);
    }
}
