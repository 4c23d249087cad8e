#!/usr/bin/env python3
"""An executable model of `docs/protocol.md`, checked under random interleavings.

One goal runs through the choreography of `ARCHITECTURE.md`: plan -> tasks (all optional, quorum 2) -> join "evidence"
-> analysis -> writer (required) and recommendation (optional) -> the terminal join, which lives in the goal item.
Every `yield` is a place where anything else may happen: each read, write, send, emit and delete is a step of its own.
A seed decides the schedule and the faults: crash, freeze, stall at any step; lost replies (a write is applied and
sent again); SQS and event duplicates; dropped events; redrives of dead letters and of copies of them; cancels; a
second goal message with the same or other data; forged copies of a step's message; handler errors; a message that
kills its process, alone or among nine others; shutdown; clock skew within the margin; a small budget; `hold` and
`fail`; SQS's own move to the DLQ. After CALM the faults stop (a killer goes on killing) and daemons sweep until all
is quiet. Invariants are checked on the way and at the end (every `bad(...)` names one). Names are the page's.
Not modelled: forks, expiry, artifacts, a process that dies before its claim, a rule's own DLQ.

  protocol_check.py [--seeds N] [--start S] [--jobs J]   many seeds     --mends all|none|a,b: rules that
  protocol_check.py --seed S [--mutant M]                one, traced                       the page adopted
  protocol_check.py --list-mutants | --mutants           each guard removed: is it caught, and by which invariant
"""
import argparse
import collections
import heapq
import multiprocessing
import random
import sys

LEASE, MARGIN, VISIBILITY, BEAT, TOLD_AFTER = 40, 6, 60, 20, 30
CALM, HORIZON, TICKS = 1000, 8000, 60000
ATTEMPTS_CAP, ALONE_CAP, ROUNDS_CAP = 3, 2, 2
BOUND, COST, QUORUM = 10, 7, 2
MENDS = {
    'takeover-as-read': 'row 10: also state `claimed` and the lease as read',
    'floor-rises': 'book: floor[step] never falls',
    'deadline-closable': 'sweep of a goal not ended: closable -> end as completed; both ends: version as read',
    'hold-postpones': 'sweep, join not closable, hold: due_at = now + 1 min, if `closed` absent (instead of removed)',
}
ADOPTED = tuple(MENDS)   # the page has taken these over; `--mends none` shows what breaks without them
# A guard is a condition of the page; its mutant is the page without it (`ok(guard, condition)`, `has(guard)`).
GUARDS = """accept-digest goal-ended end-once end-version end-exists end-due arrive-closed arrive-member told-after-emit
owner-row digest-row digest-first redrive-n rounds-cap half-park-row lease lease-margin not-before round-epoch
takeover-epoch release-claim-epoch alone-counting alone-gate heartbeat-mine release-mine release-owner release-epoch
release-state commit-mine commit-owner commit-epoch commit-state park-mine park-owner park-epoch park-state
own-token-goes-on open-once close-once close-version close-due closable-quorum closable-required dlq-parks dlq-n
dead-letter-first effects-before-delete emitted reserve-ended reserve-key reserve-floor reserve-allowance settle-key
book-at-claim book-in-effects book-own""".split()
JOIN = dict(arrived={}, version=0, members=None, required=(), quorum=0, closed=None, emitted=False, due_at=None)
STEP = dict(state='claimed', epoch=1, attempts=0, crashes=0, alone_crashes=0, alone=False, rounds=0, parks=0, dlq=0,
            emitted=False)
PLACE = {'task': 'join#evidence', 'writer': 'goal', 'recommendation': 'goal'}


class Message:
    """One SQS message; `n` is the n of its `murmur-park` attribute."""
    def __init__(self, agent, event, digest, n=0):
        self.agent, self.event, self.digest, self.n = agent, event, digest, n
        self.step, self.member = f'step#{agent}#{event}', event if agent == 'task' else agent
        self.visible = self.receipt = self.receives = 0


class Daemon:
    """A process: it dies, freezes and drains as a whole. `alone`: the delivery that is handled by itself in it."""
    def __init__(self, world):
        self.name, self.skew = f'p{world.fresh()}', world.rng.uniform(-MARGIN / 2, MARGIN / 2)
        self.tasks, self.holding, self.alone, self.waiting = [], set(), None, 0
        self.frozen = self.next_sweep = 0
        self.draining = self.killed_by = None


class Actor:
    owed = frozenset()   # calls of this epoch that are reserved, or may be, and not settled
    """Whoever writes: a delivery or a sweep, in a daemon, by that daemon's clock."""
    def __init__(self, world, daemon, name):
        self.w, self.daemon, self.name, self.began = world, daemon, name, world.ticks
        self.ok, self.has, self.steps, self.wake = world.ok, world.has, self.run(), 0

    def clock(self):
        return self.w.now + self.daemon.skew

    def read(self, key):
        yield
        return self.w.ledger.get(key)

    def write(self, key, when, change):
        """One conditional write: (applied?, the item). A lost reply: sent again, the last answer is what is seen."""
        while True:
            yield
            item = self.w.ledger.get(key)
            applied = when(item)
            if applied:
                item = self.w.ledger[key] = {**(item or {}), **change(item)}
                if key == 'goal':
                    self.w.on_spend(item)
            if not self.w.lost():
                return applied, item

    def emit(self, source, event):
        while True:
            yield
            self.w.put_event(self, source, event)
            if not self.w.lost():
                return

    # ---- §1 and §3: joins, and the goal, which holds the terminal one
    def closable(self, item):
        good = [m for m, (status, _) in item['arrived'].items() if status == 'ok']
        return (item['members'] is not None and self.ok('closable-quorum', len(good) >= item['quorum'])
                and self.ok('closable-required', all(r in good for r in item['required'])))

    def check_complete(self, key, item):
        if self.closable(item) and all(m in item['arrived'] for m in item['members']):
            yield from self.close(key, item)

    def told(self, key):
        yield from self.write(key, lambda i: True, lambda i: dict(emitted=True, due_at=None))
        self.w.silent.setdefault(key, self.w.ticks)

    def publish(self, key, event):
        if not self.has('told-after-emit'):
            yield from self.told(key)
        yield from self.emit(key, event)
        yield from self.told(key)

    def end(self, kind, detail, version=None):
        """Only who ended it emits; losers emit nothing. Returns the goal, or None where there is none."""
        event = ('goal.' + kind, detail)

        def when(goal):
            return self.ok('end-exists', goal) and (not goal or self.ok('end-once', not goal['ended']) and
                                                    self.ok('end-version', version in (None, goal['version'])))

        def change(goal):
            goal = goal or self.w.new_goal(None)
            self.w.on_end(self, goal, event)
            return {**goal, 'ended': event, 'due_at': self.clock() + TOLD_AFTER if self.has('end-due') else None}
        won, goal = yield from self.write('goal', when, change)
        if won:
            yield from self.publish('goal', event)
        return goal

    def close(self, key, item):
        """`item`, as read, is complete (or closable and due). The close of the terminal join is the goal's end."""
        if key == 'goal':
            return (yield from self.end('completed', joined(item), item['version']))
        event = ('research.completed', joined(item))

        def change(_):
            self.w.closed_at = self.w.now
            self.w.log(self, 'CLOSE', event)
            return dict(closed=event, due_at=self.clock() + TOLD_AFTER if self.has('close-due') else None)
        won, _ = yield from self.write(key, lambda i: self.ok('close-once', not i['closed']) and
                                       self.ok('close-version', i['version'] == item['version']), change)
        if won:
            yield from self.publish(key, event)

    def arrive(self, key, member, status, result):
        def when(item):
            if item and (item['ended'] if key == 'goal' else item['closed']) and self.has('arrive-closed'):
                return False
            old = item and item['arrived'].get(member)
            return not old or self.ok('arrive-member', old[0] == 'failed' and status == 'ok')

        def change(item):
            item = item or JOIN
            self.w.on_arrive(self, item, member, status)
            return {**item, 'arrived': {**item['arrived'], member: (status, result)}, 'version': item['version'] + 1}
        _, item = yield from self.write(key, when, change)
        yield from self.check_complete(key, item)

    def open(self, key, members):
        _, item = yield from self.write(
            key, lambda i: not i or self.ok('open-once', i['members'] is None),
            lambda i: {**(i or JOIN), 'members': members, 'quorum': QUORUM, 'due_at': self.w.evidence_due})
        yield from self.check_complete(key, item)


class Delivery(Actor):
    """One message in one daemon, from the goal state to the settlement."""
    def __init__(self, world, daemon, message):
        super().__init__(world, daemon, f'{daemon.name}/{message.step[5:]}.{message.n}')
        self.m, self.key, self.receipt, self.token = message, message.step, message.receipt, world.fresh()
        self.epoch, self.rejected = 0, False

    def run(self):
        yield from self.receive()
        self.daemon.holding.discard(self)
        if self.daemon.alone is self:
            self.daemon.alone = None

    # ---- settlements
    def visibility(self, at):
        if self.receipt == self.m.receipt:
            self.m.visible = at

    def delete(self, why):
        yield
        if self.m in self.w.queue and (self.receipt == self.m.receipt or self.w.rng.random() < .3):  # a stale handle
            self.w.on_delete(self, why)
            self.w.queue.remove(self.m)

    def reject(self, cause):
        yield
        self.rejected = True
        self.w.dead_letter(self, self.m.n, cause)
        yield from self.delete('reject')

    # ---- §1: before the claim
    def receive(self):
        m, goal = self.m, (yield from self.read('goal'))
        if goal and goal['ended'] and self.has('goal-ended'):
            return (yield from self.delete('goal-ended'))
        if m.agent == 'cancel':
            goal = yield from self.end('cancelled', ())
            return (yield from (self.delete('goal-ended') if goal else self.reject('no-such-goal')))
        if m.agent == 'plan':                                                                    # it accepts goals
            _, goal = yield from self.write('goal', lambda g: g is None, lambda g: self.w.new_goal(m.digest))
            if goal['digest'] != m.digest and self.has('accept-digest'):
                return (yield from self.reject('payload-mismatch'))
            if goal['ended'] and self.has('goal-ended'):
                return (yield from self.delete('goal-ended'))
        yield from (self.claim() if goal else self.reject('no-such-goal'))

    # ---- §2: the claim
    def row(self, item):
        ok, state = self.ok, item['state']
        if item['owner'] == self.token and self.has('owner-row'):
            return 1
        late = not self.has('digest-first') and state in ('claimed', 'released')
        if item['digest'] != self.m.digest and self.has('digest-row') and not late:
            return 2
        if state == 'committed':
            return 3 if item['emitted'] else 4
        if state == 'parked' and ok('redrive-n', self.m.n == item['parks']):
            return 5 if ok('rounds-cap', item['rounds'] < ROUNDS_CAP) else 6
        if state == 'parked':
            return 7 if item['dlq'] < item['parks'] and self.has('half-park-row') else 8
        if state == 'claimed':
            return 10 if ok('lease', item['lease'] + MARGIN * self.has('lease-margin') < self.clock()) else 9
        return 12 if ok('not-before', item['not_before'] <= self.clock()) else 11

    def claim(self):
        w, box, be_alone = self.w, self.daemon, False
        while not box.draining:
            if be_alone and box.alone is not self:          # until nothing else is at work in this process
                box.holding.discard(self)
                box.waiting += 1
                while (box.alone or box.holding) and not box.draining:
                    yield w.now + 1
                box.alone = box.alone or self
                box.waiting -= 1
            while box.alone not in (None, self) or box.waiting and self not in box.holding and box.alone is not self:
                yield w.now + 1
            box.holding.add(self)
            applied, item = yield from self.write(self.key, lambda i: i is None, lambda i: w.on_claim(self, 0, i) or {
                **STEP, 'owner': self.token, 'digest': self.m.digest, 'lease': self.clock() + LEASE})
            row = 0 if applied else self.row(item)
            w.log(self, 'ROW', row)
            if row in (0, 1, 4, 7):
                return (yield from self.go_on(item))
            if row in (2, 6):
                return (yield from self.reject('payload-mismatch' if row == 2 else 'redriven-too-often'))
            if row in (3, 8):
                return (yield from self.delete('emitted' if row == 3 else 'old copy'))
            if row in (9, 11):
                if row == 9 and item['owner'] == self.token:
                    w.bad('own-claim-not-recognised', self.key)
                later = item['lease' if row == 9 else 'not_before'] - self.clock()
                return self.visibility(w.now + max(0, later) + w.rng.uniform(0, 3))
            crashes = 0 if row == 5 else item['crashes'] + (row == 10 and not item['alone'])
            be_alone = crashes >= 2 and self.has('alone-gate')
            if not be_alone or box.alone is self:
                applied, item = yield from self.take(row, item, crashes)
                if applied:
                    return (yield from self.go_on(item))
        self.visibility(w.now)

    def take(self, row, read, crashes):
        def when(item):
            as_read = (item['state'], item['lease']) == ('claimed', read['lease'])
            return (as_read or row != 10 or not self.w.mended('takeover-as-read')) and self.ok(
                {5: 'round', 10: 'takeover', 12: 'release-claim'}[row] + '-epoch', item['epoch'] == read['epoch'])

        def change(item):
            self.w.on_claim(self, row, item)
            new = dict(state='claimed', epoch=item['epoch'] + 1, owner=self.token, lease=self.clock() + LEASE,
                       crashes=crashes, alone=crashes >= 2)
            if row == 5:
                return dict(new, attempts=0, alone_crashes=0, rounds=item['rounds'] + 1)
            return dict(new, alone_crashes=item['alone_crashes'] + (row == 10 and item['alone']))
        return self.write(self.key, when, change)

    def go_on(self, item):
        """From the state that the item shows; it is mine, or (rows 4 and 7) anybody's to repeat."""
        if item['state'] == 'claimed':
            self.epoch = item['epoch']
            if self.epoch > 1 and self.has('book-at-claim'):
                yield from self.book(item['epoch'], False)
            counted = item['alone_crashes'] + (0 if self.has('alone-counting') else item['crashes'])
            if item['attempts'] >= ATTEMPTS_CAP or counted >= ALONE_CAP:
                yield from self.park('attempts' if item['attempts'] >= ATTEMPTS_CAP else 'crashes')
            else:
                yield from self.work()
        elif item['state'] == 'released':
            self.visibility(self.w.now + max(0, item['not_before'] - self.clock()))
        elif item['state'] == 'committed':
            yield from self.commit_effects(item, item['owner'] != self.token)
        else:
            yield from self.park_effects(item)

    # ---- §2: release, commit, park
    def mine(self, item, name):
        owner, epoch = item['owner'] == self.token, item['epoch'] == self.epoch
        return self.ok(name + '-state', item['state'] == 'claimed') and self.ok(
            name + '-mine', self.ok(name + '-owner', owner) and self.ok(name + '-epoch', epoch))

    def settle(self, name, change):
        """If mine. Refused, but with my own token: on from the state it shows; any other refusal: no settlement."""
        w = self.w

        def checked(item):
            if w.holder[self.key] is not self:
                w.bad(name + '-by-a-non-holder', self.key)
            w.log(self, name.upper(), 'epoch', item['epoch'])
            return change(item)
        applied, item = yield from self.write(self.key, lambda i: self.mine(i, name), checked)
        if name == 'commit' and w.faults() and w.rng.random() < w.p_lost:
            # its reply is lost for good: to the runtime this is an error of the step
            return (yield from (self.release(1) if w.rng.random() < .7 else self.park('permanent')))
        if applied or item['owner'] == self.token and self.has('own-token-goes-on'):
            yield from self.go_on(item)

    def release(self, counted):
        not_before = self.clock() + (self.w.rng.uniform(3, 60) if counted else 0)

        def change(item):
            self.w.not_before[self.key] = not_before - self.daemon.skew
            return dict(state='released', attempts=item['attempts'] + counted, not_before=not_before)
        return self.settle('release', change)

    def park(self, cause):
        def change(item):
            if cause == 'crashes' and self.w.blamed[self.key]:
                self.w.bad('innocent-parked', self.key)
            return dict(state='parked', parks=item['parks'] + 1, cause=(cause, self.token), unbooked=bool(self.owed))
        return self.settle('park', change)

    def commit(self):
        agent, tasks = self.m.agent, tuple(f'task{i}' for i in range(self.w.tasks))
        emit = {'plan': tasks, 'task': (), 'analysis': ('analysis.completed',), 'writer': ('report.written',),
                'recommendation': ('recommendations.made',)}[agent]

        def change(item):
            if self.m.digest != (self.w.ledger['goal'] if agent == 'plan' else item)['digest']:
                self.w.bad('other-data-done', self.key)                # the token: a model's answer differs every time
            result = self.m.digest, self.token
            return dict(state='committed', open=agent == 'plan' and tasks, emit=emit, result=result,
                        unbooked=bool(self.owed))
        return self.settle('commit', change)

    # ---- the handler, and what its outcome leads to
    def work(self):
        outcome = yield from self.handle()
        if outcome == 'ok':
            yield from self.commit()
        elif outcome == 'goal-ended':
            yield from self.delete('goal-ended')
        elif outcome in ('transient', 'shutdown'):
            yield from self.release(int(outcome == 'transient'))
        elif outcome != 'cancelled':
            yield from self.park(outcome)

    def handle(self):
        w, rng = self.w, self.w.rng
        self.owed = set()
        for call in range(w.calls):
            self.owed.add(call)
            answer = yield from self.reserve(call)
            if answer != 'reserved':
                self.owed.discard(call)
                return answer if answer == 'cancelled' else rng.choice(('ok', 'budget-exhausted'))
            if w.killer == self.key and rng.random() < .95:
                self.daemon.killed_by = self.key
                yield
            for _ in range(rng.randint(1, 4) if rng.random() < w.p_long else 0):   # a long call, heartbeats beside it
                yield w.now + BEAT
                beat = yield from self.heartbeat()
                if beat:
                    return beat
            if self.daemon.draining:
                return 'shutdown'
            if rng.random() < (.9 if w.poison == self.key else w.p_error if w.faults() else 0):
                return 'transient' if rng.random() < .7 else 'permanent'
            if rng.random() < .8 or not w.faults():                                # else: its real cost never came
                yield from self.pay(call)
                self.owed.discard(call)
        return 'ok'

    def heartbeat(self):
        def change(_):
            if self.w.holder[self.key] is not self:
                self.w.bad('heartbeat-by-a-non-holder', self.key)
            self.w.lease_end[self.key] = self.w.now + LEASE
            return dict(lease=self.clock() + LEASE)
        applied, _ = yield from self.write(self.key, lambda i: self.mine(i, 'heartbeat'), change)
        if not applied:
            return 'cancelled'
        self.visibility(self.w.now + VISIBILITY)
        goal = yield from self.read('goal')
        return 'goal-ended' if goal['ended'] else None

    # ---- §4
    def commit_effects(self, item, repeat):
        if not self.has('effects-before-delete'):
            yield from self.delete('done')
        if item.get('unbooked') and self.has('book-in-effects'):
            yield from self.book(item['epoch'], True)
        if item['open']:
            yield from self.open('join#evidence', item['open'])
        for event in item['emit']:
            yield from self.emit(self.key, (event, item['result']))
        if self.m.agent in PLACE:
            yield from self.arrive(PLACE[self.m.agent], self.m.member, 'ok', item['result'])
        if repeat and self.has('emitted'):
            yield from self.write(self.key, lambda i: True, lambda i: dict(emitted=True))
        self.w.on_effects(self, self.key if repeat else None, item)
        yield from self.delete('done')

    def park_effects(self, item):
        n = item['parks']
        if item.get('unbooked') and self.has('book-in-effects'):
            yield from self.book(item['epoch'], True)
        yield from self.emit((self.key, n), (f'step.failed:{self.key}:{n}', item['cause']))
        if not self.has('dead-letter-first'):
            yield from self.give_up(n)
        yield
        self.w.dead_letter(self, n, item['cause'][0], by_park=True)
        if self.has('dead-letter-first'):
            yield from self.give_up(n)
        yield from self.write(self.key, lambda i: self.ok('dlq-parks', i['parks'] == n) or not self.has('dlq-n'),
                              lambda i: dict(dlq=n if self.has('dlq-n') else i['parks']))
        self.w.on_effects(self, (self.key, n), item)
        yield from self.delete('parked')

    def give_up(self, n):
        if self.w.dead[self.key] < n:
            self.w.bad('gave-up-before-its-dead-letter', self.key, n)
        if self.w.policy == 'fail' and self.m.agent not in ('task', 'recommendation'):
            yield from self.end('failed', (self.key, n))
        elif self.m.agent in PLACE:
            yield from self.arrive(PLACE[self.m.agent], self.m.member, 'failed', None)

    # ---- §6
    def reserve(self, call):
        ok, key = self.ok, (self.key, self.epoch, call)
        applied, goal = yield from self.write('goal', lambda g: (
            ok('reserve-ended', not g['ended']) and ok('reserve-key', key not in g['open'])
            and ok('reserve-floor', g['floor'].get(self.key, 0) <= self.epoch)
            and ok('reserve-allowance', g['spent'] + g['reserved'] + BOUND <= g['allowance'])),
            lambda g: self.w.on_reserve(key, g) or dict(open={**g['open'], key: BOUND}, reserved=g['reserved'] + BOUND))
        if applied or key in goal['open']:
            return 'reserved'
        return 'cancelled' if goal['ended'] or goal['floor'].get(self.key, 0) > self.epoch else 'exhausted'

    def pay(self, call):
        """The page's settle."""
        key = (self.key, self.epoch, call)
        yield from self.write('goal', lambda g: self.ok('settle-key', key in g['open']), lambda g: dict(
            open=without(g['open'], [key]), reserved=g['reserved'] - BOUND, spent=g['spent'] + COST))

    def book(self, epoch, own):
        def change(goal):
            last = epoch if own and self.has('book-own') else epoch - 1
            dead = [k for k in goal['open'] if k[0] == self.key and k[1] <= last]
            floor = max(epoch, goal['floor'].get(self.key, 0)) if self.w.mended('floor-rises') else epoch
            return dict(open=without(goal['open'], dead), reserved=goal['reserved'] - BOUND * len(dead),
                        spent=goal['spent'] + BOUND * len(dead), floor={**goal['floor'], self.key: floor})
        return self.write('goal', lambda g: True, change)


class Sweep(Actor):
    """§5: what is due by more than the skew margin; the item itself is read; the first row that fits."""
    def run(self):
        yield
        for key in [k for k, i in self.w.ledger.items() if i.get('due_at') and i['due_at'] + MARGIN < self.clock()]:
            item = yield from self.read(key)
            self.began = self.w.ticks
            yield from (self.goal(item) if key == 'goal' else self.join(key, item))

    def goal(self, goal):
        mended = self.w.mended('deadline-closable')
        if goal['ended'] and not goal['emitted']:
            yield from self.publish('goal', goal['ended'])
        elif not goal['ended'] and mended and self.closable(goal):
            yield from self.close('goal', goal)
        elif not goal['ended']:
            yield from self.end('failed', 'deadline-exceeded', goal['version'] if mended else None)

    def join(self, key, item):
        mended, goal = self.w.mended, (yield from self.read('goal'))
        if goal['ended']:
            yield from self.write(key, lambda i: True, lambda i: dict(due_at=None))
        elif item['closed']:
            if item['emitted'] and item['due_at']:
                self.w.bad('told-join-in-the-index', key)
            if not item['emitted']:
                yield from self.publish(key, item['closed'])
        elif self.closable(item):
            yield from self.close(key, item)
        elif self.w.policy == 'fail':
            yield from self.end('failed', ('not closable', joined(item)))
        else:
            yield from self.write(key, lambda i: not mended('hold-postpones') or not i['closed'],
                                  lambda i: dict(due_at=self.clock() + 60 if mended('hold-postpones') else None))


def joined(item):
    arrived = tuple(sorted((m, *v) for m, v in item['arrived'].items()))
    return arrived, tuple(m for m in item['members'] or () if m not in item['arrived'])


def without(mapping, keys):
    return {k: v for k, v in mapping.items() if k not in keys}


class World:
    """Ledger, queue, bus and daemons of one seed, and what the invariants remember (no daemon reads that)."""
    def __init__(self, seed, mends=frozenset(), mutant=None, trace=False):
        rng = self.rng = random.Random(seed)
        pick, uniform = rng.choice, rng.uniform
        self.mends, self.mutant, self.trace = mends, mutant, trace
        self.now, self.ticks, self.serial = 0, 0, 0
        self.ledger, self.queue, self.dlq, self.timed = {}, [], [], []
        self.policy, self.calls, self.tasks = pick(('hold', 'hold', 'fail')), pick((1, 1, 2)), 3
        self.allowance, self.receives_max = pick((10 ** 6, 10 ** 6, 40, 90)), pick((60, 60, 60, 8))
        steps = ['step#plan#goal', 'step#task#task0', 'step#analysis#research.completed',
                 'step#writer#analysis.completed', 'step#recommendation#analysis.completed']
        self.poison = pick(steps) if rng.random() < .35 else None
        self.killer = pick(steps + [steps[1]] * 2) if rng.random() < .2 else None
        if self.killer == steps[1]:
            self.tasks = pick((3, 10, 10))
        self.p_crash, self.p_freeze = pick((0, 0, .003, .01, .02)), pick((0, .003, .01))
        self.p_stall, self.p_lost, self.p_twice = pick((0, .01, .04, .1)), pick((0, .02, .1)), pick((0, .005, .02))
        self.p_shutdown, self.p_error, self.p_drop = pick((0, 0, .003)), pick((0, .03, .15)), pick((0, 0, 0, .04))
        self.p_redrive, self.redrive_in, self.stall_s = pick((.3, .9)), pick((3, 10, 120)), pick((20, 100, 250))
        self.p_long, self.pace = pick((0, .2, .5)), pick((.03, .1, .4))
        self.deadline, self.evidence_due = pick(((900, 400), (900, 60), (250, 60), (120, 40)))
        # what the invariants remember
        self.violations, self.emits = {}, collections.defaultdict(list)
        self.accepted, self.dropped, self.ends = 0, 0, []
        self.end_tick = self.end_time = self.closed_at = None
        self.holder, self.lease_end, self.not_before, self.silent = {}, {}, {}, {}
        self.dead, self.blamed, self.effects, self.reserved = (collections.Counter() for _ in range(4))
        self.redriven, self.killed_beside = set(), set()
        self.daemons = [Daemon(self) for _ in range(pick((2, 3)))]
        self.send(Message('plan', 'goal', 'D'))
        for chance, latest, what in (
                (.3, 200, lambda: self.send(Message('plan', 'goal', 'D'))), (.15, 300, self.forge),
                (.2, 200, lambda: self.send(Message('plan', 'goal', 'other'))),
                (.15, 300, lambda: self.send(Message('cancel', 'cancel', 'c')))):
            if rng.random() < chance:
                self.later(uniform(0, latest), what)

    def new_goal(self, digest):
        self.accepted += digest is not None
        return dict(JOIN, digest=digest, ended=None, due_at=self.deadline, members=('writer', 'recommendation'),
                    required=('writer',), quorum=1, allowance=self.allowance, spent=0, reserved=0, open={}, floor={})

    def has(self, guard):
        return self.mutant != guard

    def ok(self, guard, condition):
        return condition or self.mutant == guard

    def mended(self, mend):
        return mend in self.mends and self.mutant != mend

    def faults(self):
        return self.now < CALM

    def lost(self):
        return self.p_lost and self.now < CALM and self.rng.random() < self.p_lost

    def fresh(self):
        self.serial += 1
        return self.serial

    def log(self, actor, *words):
        if self.trace:
            print(f'{self.now:8.1f} {actor.name:>36}', *words)

    def bad(self, invariant, *words):
        self.violations.setdefault(invariant, words)
        if self.trace:
            print(f'{self.now:8.1f} !!! VIOLATED {invariant}', *words)

    # ---- SQS and EventBridge
    def later(self, at, what):
        heapq.heappush(self.timed, (at, self.fresh(), what))

    def send(self, message):
        message.visible = self.now
        self.queue.append(message)

    def forge(self):
        """A message with the event id of a step that exists, and other data."""
        steps = [k for k in self.ledger if k.startswith('step#')]
        if steps:
            key = self.rng.choice(steps)
            self.send(Message(*key.split('#')[1:], 'forged', self.rng.choice((0, self.ledger[key]['parks']))))

    def put_event(self, actor, source, event):
        rng, (name, data) = self.rng, event
        self.log(actor, 'EMIT', name)
        if actor.began > self.silent.get(source, self.ticks):
            self.bad('emits-unbounded', name)
        self.emits[name].append(data)
        agents = {'research.completed': ['analysis'], 'analysis.completed': ['writer', 'recommendation']}.get(name, [])
        for agent in ['task'] if name.startswith('task') else agents:
            if self.faults() and rng.random() < self.p_drop:
                self.dropped += 1
                continue
            for slow in (2, 150) if self.faults() and rng.random() < .1 else (2,):
                self.later(self.now + rng.uniform(0, slow), lambda a=agent: self.send(Message(a, name, repr(data))))

    def dead_letter(self, actor, n, cause, by_park=False):
        self.log(actor, 'DLQ', n, cause)
        step = actor.key
        if by_park:
            if actor.began > self.silent.get((step, n), self.ticks):
                self.bad('dead-letter-repeated', step, n)
            self.dead[step] = max(self.dead[step], n)
        self.to_dlq(actor.m, n)

    def to_dlq(self, m, n):
        entry = (m.agent, m.event, m.digest, n)
        self.dlq.append(entry)
        if self.now < CALM - 100 and self.rng.random() < self.p_redrive and len(self.redriven) + len(self.dlq) < 16:
            self.later(self.now + self.rng.uniform(0, self.redrive_in), lambda: self.redrive(entry))

    def redrive(self, entry):
        message = Message(*entry)
        self.redriven.add((message.step, message.n))
        self.send(message)
        if self.rng.random() < .2:                       # redriven, but still there: a copy
            self.later(self.now + self.rng.uniform(0, self.redrive_in), lambda: self.redrive(entry))
        else:
            self.dlq.remove(entry)

    # ---- invariants, on the way
    def on_claim(self, who, row, item):
        key = who.key
        if self.end_tick is not None and who.began > self.end_tick:
            self.bad('claimed-after-the-end', key)
        if row == 10:
            if self.now < self.lease_end[key]:
                self.bad('takeover-before-the-lease-ends', key)
            counted = item['alone'] or not self.has('alone-counting')
            self.blamed[key] += counted and (key, item['epoch']) in self.killed_beside
        if row == 12 and self.now < self.not_before[key] - MARGIN:
            self.bad('claimed-before-not_before', key)
        if row == 5:
            self.blamed[key] = 0
            if (key, item['parks']) not in self.redriven:
                self.bad('round-without-a-redrive', key)
            if item['rounds'] >= ROUNDS_CAP:
                self.bad('rounds-unbounded', key)
        if item and item['digest'] != who.m.digest:
            self.bad('claimed-with-other-data', key)
        if item and item['state'] == 'committed':
            self.bad('committed-step-claimed', key)
        self.holder[key], self.lease_end[key] = who, self.now + LEASE

    def on_arrive(self, who, item, member, status):
        self.log(who, 'ARRIVE', member, status)
        if item['arrived'].get(member, ' ')[0] == 'ok':
            self.bad('ok-arrival-overwritten', member)

    def on_end(self, who, goal, event):
        self.log(who, 'END', event)
        self.ends.append(event[0])
        if self.end_tick is None:
            self.end_tick, self.end_time = self.ticks, self.now
        if event == ('goal.failed', 'deadline-exceeded'):
            join = self.ledger.get('join#evidence', JOIN)
            busy = self.queue or any(isinstance(t, Delivery) for d in self.daemons for t in d.tasks)
            parks = any(i.get('parks') for i in self.ledger.values())
            if who.closable(goal):
                self.bad('failed-though-closable')
            elif not busy and who.closable(join) and not join['closed'] and self.now > (join['due_at'] or 0) + 200:
                self.bad('closable-join-left-open')
            elif not (busy or self.timed or parks or self.dropped or self.dlq or self.redriven
                      or join['closed'] and join['due_at']):
                self.bad('lost-on-the-way')

    def on_delete(self, who, why):
        self.log(who, 'DELETE', why)
        key, m, goal, item = who.key, who.m, self.ledger.get('goal'), self.ledger.get(who.key)
        if goal and goal['ended'] or who.rejected:
            return
        if item and item['digest'] != m.digest:
            self.bad('other-data-swallowed', key)
        if self.dead[key] > m.n:
            return                                        # parked with its DLQ entry, or an old copy
        if not item or item['state'] != 'committed':
            self.bad('message-lost', key, item and item['state'], why)
        else:
            place = self.ledger.get(PLACE.get(m.agent), JOIN)
            if (any(e not in self.emits for e in item['emit']) or item['open'] and 'join#evidence' not in self.ledger
                    or m.agent in PLACE and m.member not in place['arrived'] and not place['closed']):
                self.bad('deleted-before-its-effects', key)

    def on_effects(self, who, source, item):
        self.effects[who.key] = max(self.effects[who.key], item['epoch'])
        if source:
            self.silent.setdefault(source, self.ticks)

    def on_reserve(self, key, goal):
        if goal['ended']:
            self.bad('reserved-after-the-end', key)
        if key[1] < self.reserved[key[0]]:
            self.bad('reserved-by-a-deposed-holder', key)
        self.reserved[key[0]] = max(self.reserved[key[0]], key[1])

    def on_spend(self, goal):
        if goal['spent'] + goal['reserved'] > goal['allowance']:
            self.bad('over-the-allowance')
        if goal['reserved'] != BOUND * len(goal['open']):
            self.bad('reserved-is-not-what-is-open')

    # ---- invariants, at the end
    def finish(self):
        goal, join = self.ledger.get('goal') or self.new_goal(None), self.ledger.get('join#evidence', JOIN)
        terminal = [e for e in self.emits if e.startswith('goal.')]
        for name, broken in {
                'never-quiet': self.queue or self.timed or any(d.tasks for d in self.daemons),
                'index-not-empty': [k for k, i in self.ledger.items() if i.get('due_at')],
                'end-of-a-goal-never-accepted': goal['ended'] and not goal['digest'],
                'goal-never-ended': goal['digest'] and not goal['ended'],
                'two-ends': len(self.ends) > 1, 'two-terminal-events': len(terminal) > 1,
                'terminal-event-never-emitted': goal['ended'] and goal['ended'][0] not in terminal,
                'joined-event-never-emitted': join['closed'] and 'research.completed' not in self.emits and
                self.end_time and self.end_time > self.closed_at + 300,
                'one-id-two-contents': [e for e, contents in self.emits.items() if len(set(contents)) > 1],
                'reservation-left-open': [k for k in goal['open'] if k[1] <= self.effects[k[0]]]}.items():
            if broken:
                self.bad(name, broken)
        for item, event in ((goal, goal['ended']), (join, join['closed'])):
            if event and event[0] in ('goal.completed', 'research.completed'):
                ok = [m for m, status, _ in event[1][0] if status == 'ok']
                if event[1] != joined(item):
                    self.bad('joined-event-is-not-what-arrived', event[0])
                if any(r not in ok for r in item['required']):
                    self.bad('completed-without-its-required-member')
                if len(ok) < item['quorum']:
                    self.bad('closed-below-quorum', event[0])

    # ---- the schedule
    def die(self, daemon):
        if self.trace:
            print(f'{self.now:8.1f} {daemon.name} dies', daemon.killed_by or '')
        for who in daemon.tasks if daemon.killed_by else ():
            if isinstance(who, Delivery) and self.holder.get(who.key) is who and who.key != daemon.killed_by:
                self.killed_beside.add((who.key, who.epoch))
        self.daemons[self.daemons.index(daemon)] = Daemon(self)

    def receive(self, daemon, ready):
        ready = [m for m in ready if m in self.queue]
        for m in self.rng.sample(ready, min(len(ready), self.rng.choice((1, 2, 10)))):
            m.visible, m.receipt, m.receives = self.now + VISIBILITY, m.receipt + 1, m.receives + 1
            if m.receives > self.receives_max:
                self.queue.remove(m)
                self.to_dlq(m, 0)                         # by SQS itself: without `murmur-park`
            else:
                daemon.tasks.append(Delivery(self, daemon, m))

    def fault(self):
        rng, x = self.rng, self.rng.random()
        for p, name in ((self.p_crash, 'die'), (self.p_freeze, 'freeze'), (self.p_stall, 'stall'),
                        (self.p_twice, 'twice'), (self.p_shutdown, 'shutdown')):
            x -= p
            if x < 0:
                break
        else:
            return
        daemon = rng.choice(self.daemons)
        if name == 'die' and daemon.tasks:
            self.die(daemon)
        elif name == 'freeze' and daemon.tasks:
            daemon.frozen = self.now + rng.uniform(1, 120)
        elif name == 'stall' and daemon.tasks:
            rng.choice(daemon.tasks).wake = self.now + rng.uniform(1, self.stall_s)
        elif name == 'twice' and self.queue and not daemon.draining:
            self.receive(daemon, [rng.choice(self.queue)])
        elif name == 'shutdown':
            daemon.draining = True

    def run(self):
        rng, daemons = self.rng, self.daemons
        while self.now < HORIZON and self.ticks < TICKS:
            self.ticks += 1
            while self.timed and self.timed[0][0] <= self.now:
                heapq.heappop(self.timed)[2]()
            due = [i['due_at'] for i in self.ledger.values() if i.get('due_at')]
            for d in [d for d in daemons if d.frozen <= self.now]:
                if d.draining and not d.tasks:
                    self.die(d)
                elif d.next_sweep <= self.now and due and min(due) < self.now:
                    d.next_sweep = self.now + rng.uniform(5, 40)
                    d.tasks.append(Sweep(self, d, d.name + '/sweep'))
            awake = [d for d in daemons if d.frozen <= self.now]
            tasks = [(d, t) for d in awake for t in d.tasks if t.wake <= self.now]
            ready = [m for m in self.queue if m.visible <= self.now]
            free = ready and [d for d in awake if not d.draining and len(d.tasks) < 10]
            if not tasks and not free:                    # on to the next moment at which anything can happen
                wakes = [self.timed[0][0]] if self.timed else []
                wakes += [m.visible for m in self.queue] + [max(t.wake, d.frozen) for d in daemons for t in d.tasks]
                wakes += [max(d.next_sweep, min(due), d.frozen) for d in daemons] if due else []
                wakes = [t for t in wakes + [d.frozen for d in daemons] if t > self.now]
                if not wakes:
                    break
                self.now = min(wakes) + .001
                continue
            if rng.random() < self.pace:
                self.now += rng.expovariate(.5)
            if self.faults():
                self.fault()
            if free and (not tasks or rng.random() < .2):
                self.receive(rng.choice(free), ready)
            elif tasks:
                daemon, task = rng.choice(tasks)
                if daemon in daemons:
                    try:
                        task.wake = max(task.wake, next(task.steps) or 0)
                    except StopIteration:
                        daemon.tasks.remove(task)
                    if daemon.killed_by:
                        self.die(daemon)
        self.finish()
        return self


def run(job):
    seed, mends, mutant = job
    w = World(seed, mends, mutant).run()
    kind = (w.ledger.get('goal', {}).get('ended') or ('none',))[0]
    return seed, {k: (w.ticks, v) for k, v in w.violations.items()}, kind, max(map(len, w.emits.values()), default=0)


def check(seeds, mends, pool):
    found, kinds, most, shortest = collections.Counter(), collections.Counter(), 0, {}
    for seed, violations, kind, emits in pool.imap_unordered(run, ((s, mends, None) for s in seeds), 50):
        kinds[kind] += 1
        most = max(most, emits)
        found.update(violations.keys())
        for name, (ticks, words) in violations.items():
            shortest[name] = min(shortest.get(name, (ticks, seed, words)), (ticks, seed, words), key=lambda v: v[:2])
    print(f'seeds {seeds.start}..{seeds.stop - 1}, mends {sorted(mends) or "none"}: {dict(kinds)}; '
          f'most emits of one event {most}; violations: {sum(found.values())}')
    for name, count in found.most_common():
        print(f'  {count:6} {name:38} e.g. --seed {shortest[name][1]} {shortest[name][2]}')
    return not found


def check_mutants(names, count, mends, pool):
    """Each mutant, over the rules with all mends, until a seed catches it; then what 400 seeds from there say."""
    missed = 0
    for name in names:
        runs = []
        for start in range(0, count, 400):
            if not runs:
                jobs = [(s, mends, name) for s in range(start, min(start + 400, count))]
                runs = sorted(r for r in pool.imap_unordered(run, jobs, 20) if r[1])
        missed += not runs
        by = ', '.join(f'{k} {n}' for k, n in collections.Counter(k for r in runs for k in r[1]).most_common(4))
        print(f'{name:22}', f'seed {runs[0][0]:5}: {by}' if runs else f'NOT CAUGHT in {count} seeds', flush=True)
    return not missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (('--seeds', 2000), ('--start', 0), ('--seed', None), ('--jobs', 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument('--mends', default=','.join(ADOPTED))
    parser.add_argument('--mutant')
    parser.add_argument('--mutants', action='store_true')
    parser.add_argument('--list-mutants', action='store_true')
    args = parser.parse_args()
    mends = frozenset(MENDS if args.mends == 'all' else [m for m in args.mends.split(',') if m in MENDS])
    if args.list_mutants:
        print('\n'.join(GUARDS + [f'{k:20} (mend) {v}' for k, v in MENDS.items()]))
    elif args.seed is not None:
        w = World(args.seed, mends, args.mutant, trace=True)
        print({k: v for k, v in vars(w).items() if isinstance(v, (int, float, str)) and k[0] != '_'})
        return bool(w.run().violations)
    else:
        with multiprocessing.Pool(args.jobs) as pool:
            if args.mutants or args.mutant:
                names = [args.mutant] if args.mutant else GUARDS + list(MENDS)
                return not check_mutants(names, args.seeds, frozenset(MENDS), pool)
            return not check(range(args.start, args.start + args.seeds), mends, pool)


if __name__ == '__main__':
    sys.exit(main())
