"""Whatever comes after somebody was forgotten: nothing names the person again, and sums stay."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.records import ChoiceMade, Erased, JourneyRecord, LinksCut
from schemas.time import DAY_MS, MINUTE_MS, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON
from tests.worlds.records import (
    RULES,
    answer,
    click,
    installed,
    late,
    purchase,
    refund,
    routed,
    session,
)
from tests.worlds.stage_world import Fed, rows

PERSON, OTHER = "person-0b5e6f0a", "other-77aa01"
ASKED = LogMs(NOON + DAY_MS)
PURGED = LogMs(ASKED + RULES.late_ms_max + MINUTE_MS)
AFTER = PURGED // MINUTE_MS - NOON // MINUTE_MS + 10
OPENED = replace(installed(0, install_id=PERSON), event_id="evt-opened", evidence=[7], opening=7)
NAMES = (PERSON, "evt-opened", "evt-played", "sale-of-person", "touch-of-person")
TOPICS = ("attributions", "revenue", "active-days", "milestones", "parked", "credits", "features",
          "predictions", "fraud-verdicts", "ledger")  # fmt: skip


def of_person(record: JourneyRecord) -> JourneyRecord:
    return replace(record, install_id=PERSON)


BEFORE: list[JourneyRecord] = [
    OPENED,
    replace(of_person(answer(click("touch-of-person", -5))), opening=7),
    of_person(session("evt-played", 5)),
    routed(purchase("sale-of-person", 10), install_id=PERSON),
]
SALE = purchase("sale-of-person", AFTER)
LATER: list[JourneyRecord] = [
    *BEFORE[:3],
    of_person(late(click("touch-of-person", -4))),
    of_person(session("evt-played-later", AFTER)),
    routed(replace(SALE, booking_id="sale-of-person:again"), install_id=PERSON),
    routed(refund("refund-of-person", AFTER, transaction_id="sale-of-person"), install_id=PERSON),
    routed(purchase("sale-of-person", 10), install_id=PERSON, sign=-1, move=1),
    Erased(PERSON, "dsr-1", ASKED, "app"),
    Erased(PERSON, "dsr-2", LogMs(PURGED + DAY_MS), "app"),
    ChoiceMade(PERSON, "dsr-3", LogMs(PURGED + DAY_MS), True, "app"),
    LinksCut(PERSON, LogMs(PURGED + DAY_MS), "app"),
]
OF_OTHER: list[JourneyRecord] = [
    replace(installed(0, install_id=OTHER), source=(1, 0, 7)),
    answer(install_id=OTHER),
    routed(purchase("sale-of-other", 30), install_id=OTHER),
]


class World:
    """The journeys stage, and all that it has published."""

    def __init__(self, secret: AnonymousIds) -> None:
        observer, self._secrets = StageObserver(), (secret,)
        scorers = Scorers(lambda _: None, observer, ScoringRules())
        self.fed = Fed(Journeys(0, 1, RULES, scorers, observer, self._secrets))
        self.published: list[Effects] = []

    def take(self, *records: JourneyRecord, until: int = 0) -> None:
        marks = {"matching-0": until, "closed-0": until} if until else None
        self.published.append(self.fed.journeys(*records, watermarks=marks))

    def restart(self) -> None:
        """As after a crash: from the state alone."""
        observer = StageObserver()
        scorers = Scorers(lambda _: None, observer, ScoringRules())
        state: MemoryStore = self.fed.state
        self.fed = Fed(Journeys(0, 1, RULES, scorers, observer, self._secrets), state)

    def rows_of(self, topic: str, since: int = 0) -> list[dict[str, object]]:
        return [row for effects in self.published[since:] for row in rows(effects, topic)]

    @property
    def octets(self) -> bytes:
        return b"\n".join(key + value for key, value in self.fed.state.entries())


def lived(later: Sequence[JourneyRecord], crash_at: int, *, is_asked: bool) -> World:
    world = World(AnonymousIds(b"s" * 32))
    world.take(*OF_OTHER, *BEFORE)
    requests = [Erased(PERSON, "dsr-1", ASKED, "app")] if is_asked else []
    world.take(*requests, until=PURGED)
    for number, record in enumerate(later):
        if number == crash_at:
            world.restart()
        if is_asked or not isinstance(record, Erased):
            world.take(record)
    return world


@given(st.lists(st.sampled_from(LATER), max_size=8), st.integers(0, 8))
def test_nothing_names_who_was_forgotten_and_sums_and_others_stay(
    later: list[JourneyRecord], crash_at: int
) -> None:
    world = lived(later, crash_at, is_asked=True)
    for name in (*NAMES, "evt-played-later", "refund-of-person"):
        assert name.encode() not in world.octets
    for topic in TOPICS:
        for name in NAMES:
            assert name not in repr(world.rows_of(topic, since=2))

    unasked = lived(later, crash_at, is_asked=False)
    for field in ("amount_micros", "sign"):
        sums = [
            sum(int(str(row[field])) for row in one.rows_of("revenue")) for one in (world, unasked)
        ]
        assert sums[0] == sums[1]
    for topic in TOPICS[:5]:
        mine = [
            [row for row in one.rows_of(topic) if OTHER in repr(row)] for one in (world, unasked)
        ]
        assert mine[0] == mine[1]
