"""The commit path, the take-over and the quarantine, each wrong in one place."""

from __future__ import annotations

from typing import NamedTuple

_DECIDED = "tests/streams/runtime/transactions/test_decided.py"
_OWNERSHIP = "tests/streams/runtime/transactions/test_ownership.py"
_TURNS = "tests/streams/runtime/transactions/test_turns.py"
_SHARED_LOG = "tests/streams/runtime/transactions/test_shared_log.py"
_FETCH_MOMENTS = "tests/streams/runtime/faust/test_fetch_moments.py"
_TICKS = "tests/streams/runtime/test_ticks.py"
_LANE = "tests/streams/runtime/test_lane.py"
_RECOVERY = "tests/streams/runtime/test_recovery.py"
_GUARD = "tests/streams/stages/test_guard.py"
_UNDONE = "tests/streams/stages/test_set_aside_timers.py"
_PLACES = "tests/streams/stages/intake/test_source_places.py"
_STORED = "tests/simulation/test_stored.py"
_SOURCE_LOGS = "tests/streams/kafka/test_source_logs.py"
_TAKE_OVER = "tests/integration/runtime/test_take_over.py"


class Mutant(NamedTuple):
    """`old` stands exactly once in the file."""

    fault: str
    file: str
    old: str
    new: str
    test: str
    """File of tests that pass without the fault and fail with it."""
    needs_kafka: bool = False


COMMIT_PATH = (
    Mutant(
        "local state is written before the checkpoint is committed",
        "streams/runtime/lane.py",
        "            changelog_end = await self._parts.log.commit(effects)\n",
        "            await state.apply(effects.changes, 0)\n"
        "            changelog_end = await self._parts.log.commit(effects)\n",
        _LANE,
    ),
    Mutant(
        "of two checkpoints in a transaction only the second is sent",
        "streams/runtime/transactions/decided.py",
        "messages if known is None else known + messages",
        "messages",
        _DECIDED,
    ),
    Mutant(
        "a transaction has no end",
        "streams/runtime/transactions/decided.py",
        "if count and messages > messages_max:",
        "if count and messages > messages_max and False:",
        _DECIDED,
    ),
    Mutant(
        "committed offsets do not name who committed them",
        "streams/runtime/transactions/decided.py",
        "msgspec.structs.replace(label, producer=owner).text()",
        "label.text()",
        _DECIDED,
    ),
)

TURNS = (
    Mutant(
        "the next turn begins while a transaction is under way",
        "streams/runtime/transactions/turns.py",
        "if self._waiting and not (self._is_timed or self._is_committing):",
        "if self._waiting and not self._is_timed:",
        _TURNS,
    ),
    Mutant(
        "turns come as often on a busy machine as on an idle one",
        "streams/runtime/transactions/turns.py",
        "max(bounds.linger_seconds, PAUSE_PER_TURN * taken)",
        "bounds.linger_seconds",
        _TURNS,
    ),
    Mutant(
        "a partition counts as read up to the answer of a fetch, not to its beginning",
        "streams/runtime/faust/internals.py",
        "moments.note(tp, asked_at)",
        "moments.note(tp, time.monotonic())",
        _FETCH_MOMENTS,
    ),
    Mutant(
        "a partition counts as read by a fetch whose answer was lost",
        "streams/runtime/faust/internals.py",
        "if state.timestamp != before[tp]:",
        "if True:",
        _FETCH_MOMENTS,
    ),
    Mutant(
        "a partition counts as read whose records wait to be queued",
        "streams/runtime/ticks.py",
        "found = bisect_right(waiting, read_at, key=_due)",
        "found = len(waiting)",
        _TICKS,
    ),
    Mutant(
        "what was decided after a failed transaction is committed all the same",
        "streams/runtime/transactions/shared_log.py",
        "                self._failure = error\n",
        "",
        _SHARED_LOG,
    ),
    Mutant(
        "a producer commits before its lanes are taken over",
        "streams/runtime/transactions/shared_log.py",
        "        await producer.start()\n        return transactional_id\n",
        "        await producer.start()\n        self._failure = None\n"
        "        return transactional_id\n",
        _SHARED_LOG,
    ),
    Mutant(
        "lanes go on before their transaction is committed",
        "streams/runtime/transactions/shared_log.py",
        "            ends = await self._producer.transact(batches, positions)\n",
        "            for one in taken:\n"
        "                one.done.set_result({})\n"
        "            ends = await self._producer.transact(batches, positions)\n",
        _SHARED_LOG,
    ),
)

TAKE_OVER = (
    Mutant(
        "whoever a label names goes on committing",
        "streams/runtime/transactions/ownership.py",
        "found = yield Round(frozenset(former), must_be_settled=True)",
        "found = yield Round(frozenset(), must_be_settled=True)",
        _OWNERSHIP,
    ),
    Mutant(
        "positions are read before the former owners are fenced",
        "streams/runtime/transactions/ownership.py",
        "        if is_settled and not former:\n",
        "        if is_settled or not former:\n",
        _OWNERSHIP,
    ),
    Mutant(
        "a claim forgets what the label said of the state",
        "streams/runtime/transactions/ownership.py",
        "named = msgspec.structs.replace(known, producer=inputs[tp].owner)",
        "named = PositionLabel(producer=inputs[tp].owner)",
        _OWNERSHIP,
    ),
    Mutant(
        "state that ends before the log begins is continued",
        "streams/runtime/recovery.py",
        '    if store.position < first:\n        return f"ends',
        '    if store.position < first and False:\n        return f"ends',
        _RECOVERY,
    ),
    Mutant(
        "a changelog that lost its beginning counts as whole",
        "streams/runtime/recovery.py",
        "if store.position < first and must_be_whole:",
        "if store.position < first and must_be_whole and False:",
        _RECOVERY,
    ),
    Mutant(
        "a worker that slept takes what another did meanwhile for loss",
        "streams/runtime/identity/lane_origin.py",
        "if now != self._committed:",
        "if now != self._committed and False:",
        _TAKE_OVER,
        needs_kafka=True,
    ),
    Mutant(
        "partitions that nobody has read are not claimed",
        "streams/runtime/transactions/ownership.py",
        "return [tp for tp in inputs if tp not in found]",
        "return []",
        _TAKE_OVER,
        needs_kafka=True,
    ),
)

QUARANTINE = (
    Mutant(
        "timers are not undone",
        "streams/stages/separate/states.py",
        "self._timers.set(key, self._trunk.due_of(key))",
        "pass",
        _UNDONE,
    ),
    Mutant(
        "what raised leaves its changes behind",
        "streams/stages/separate/quarantine.py",
        "    branch.undo()\n",
        "    branch.merge()\n",
        _UNDONE,
    ),
    Mutant(
        "a stage that raised goes on with the memory it had",
        "streams/stages/separate/guard.py",
        "        self._rebuild(reading)\n        if isinstance(self._stage, SetsAside):",
        "        if isinstance(self._stage, SetsAside):",
        _GUARD,
    ),
    Mutant(
        "a deadline that raised is met again and again",
        "streams/stages/separate/journeys_steps.py",
        "            self.quarantine.silence(self.states, key)\n",
        "            pass\n",
        _GUARD,
    ),
    Mutant(
        "keys that expired in a batch that raised are never forgotten",
        "streams/stages/separate/guard.py",
        "            found = sorted({*found, *self._again})\n",
        "            pass\n",
        _GUARD,
    ),
    Mutant(
        "the event that was set aside is not settled",
        "streams/stages/separate/quarantine.py",
        '            self._outbox.settle(subject.source, "quarantined")\n',
        "            pass\n",
        _GUARD,
    ),
)

LOGS = (
    Mutant(
        "events of a topic that was created anew have places of the old log",
        "streams/stages/intake/intake.py",
        "place_in_log(self.source_logs.get(topic, 0), record.offset)",
        "record.offset",
        _PLACES,
    ),
    Mutant(
        "a source topic that was created anew counts as its first log",
        "streams/kafka/registers/source_logs.py",
        "max(of_topic.values(), default=-1) + 1",
        "0",
        _SOURCE_LOGS,
    ),
    Mutant(
        "an event is accounted for in each log of the outcome topics that tells of it",
        "streams/store/log_epochs.py",
        """SERIES = "replaceRegexpOne(log_epoch, '~[A-Za-z0-9_-]+$', '')\"""",
        'SERIES = "log_epoch"',
        _STORED,
    ),
)

MUTANTS = (*COMMIT_PATH, *TURNS, *TAKE_OVER, *QUARANTINE, *LOGS)
