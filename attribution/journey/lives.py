"""Lives of one install id: repeats of a first open, and later first opens that are real ones.

An install id outlives the app where the system restores it: from Apple's keychain, or from a backup
on a new phone. A first open with the event id of a known one, with nothing new in its evidence, or
within `second_life_after_ms` of it is a repeat, and changes nothing. Any other one begins another
life: a conversion of its own, a reinstall if it shows a device of an earlier life. Which of two
first opens brings new evidence is judged by when they happened, not by when they were logged.

What names the install alone belongs to the life in force when it happened: to the latest first open
until then; what happened before all, to the earliest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from attribution.journey.state import Journey, event_hash
from attribution.matching.facts import Evicted, Settled
from attribution.privacy.choices import choices_from
from attribution.rules.rules import Rules
from schemas.records import (
    NAMED_BY_SESSION,
    NOT_ASKED,
    ActivitySeen,
    Candidates,
    ChoiceMade,
    Erased,
    Installed,
    JourneyRecord,
    LinksCut,
    Prior,
    Signal,
    SiteVerdict,
)
from schemas.time import EventMs, LogMs

FIRST_LIFE = 0
"""Opening that stands for the life that was logged first, whose journey settles the activity and
money of all."""


class Life(Struct, frozen=True, array_like=True, gc=False):
    """A first open, as far as others have to be compared with it."""

    conversion_id: str
    event_id: str
    time: EventMs
    ts: LogMs
    opening: int
    devices: list[int]
    evidence: list[int]


def life_of(install: Installed) -> Life:
    """The life that an install began."""
    return Life(
        conversion_id=install.life_id,
        event_id=install.event_id,
        time=install.time,
        ts=install.ts,
        opening=install.opening,
        devices=install.devices,
        evidence=install.evidence,
    )


def later_life(
    lives: Sequence[Life], opened: Installed, rules: Rules
) -> tuple[Installed | None, list[Settled | Evicted]]:
    """The install that begins another life beside those known; None: it is a repeat."""
    repeat = Settled(opened.source, "duplicate")
    if any(_is_repeat(life, opened, rules) for life in lives):
        return None, [repeat]
    if len(lives) >= rules.lives_per_install_max:
        return None, [repeat, Evicted("lives_per_install_max", 1)]
    return later_install(opened), []


def later_install(opened: Installed) -> Installed:
    """A first open that begins another life."""
    return replace(opened, conversion_id=f"{opened.install_id}~{opened.event_id}")


def _is_repeat(life: Life, opened: Installed, rules: Rules) -> bool:
    shown, known = {*opened.devices, *opened.evidence}, {*life.devices, *life.evidence}
    # An earlier first open that is logged later: what the known one has beyond it is new evidence.
    has_nothing_new = shown == known if opened.time < life.time else shown <= known
    return (
        life.event_id == opened.event_id
        or has_nothing_new
        or abs(life.time - opened.time) < rules.second_life_after_ms
    )


def link(earlier: Life, later: Life, opened: Installed) -> Candidates | None:
    """The earlier life as a prior install of the later one; None: they show no common device."""
    if earlier.time >= later.time or not {*earlier.devices} & {*later.devices}:
        return None
    prior = Prior(earlier.conversion_id, earlier.time, earlier.ts)
    return Candidates(
        install_id=opened.install_id,
        signal=Signal.DEVICE_ID,
        ordinal=NOT_ASKED,
        touches=[],
        priors=[prior],
        app_id=opened.app_id,
        is_sandbox=opened.is_sandbox,
    )


def opening_records(
    known: Journey, lives: Sequence[Life], begun: Installed, opened: Installed
) -> Iterator[tuple[int, JourneyRecord]]:
    """What a later life has to know before it begins, the life itself, and it as a prior install of
    the others; each for the life with this opening. Who opts out does so in every life."""
    new, scope = life_of(begun), (opened.app_id, opened.is_sandbox)
    for life in lives:
        if (prior := link(life, new, opened)) is not None:
            yield new.opening, prior
    for made in choices_from(known.choices, opened.install_id, scope):
        yield new.opening, made
    yield new.opening, begun
    for number, life in enumerate(lives):
        if (prior := link(new, life, opened)) is not None:
            yield life.opening if number else FIRST_LIFE, prior


def in_lives(
    record: JourneyRecord, known: Journey, later: Sequence[Life], rules: Rules
) -> Iterator[tuple[int, JourneyRecord]]:
    """The record for each life that it is for, by opening. `known` is the journey of the life that
    was logged first."""
    if later and isinstance(record, ActivitySeen):
        record = _in_its_life(record, known, later, rules)
    if isinstance(record, Erased) and is_repeated(record, known):
        return
    for opening in _addressees(known.install, later, record):
        yield opening, record


def is_repeated(erased: Erased, known: Journey) -> bool:
    """Whether the request was logged before: lives that began since are of who came back."""
    return known.erased_by == erased.request_id and known.erased_ts < erased.ts


def _in_its_life(
    activity: ActivitySeen, known: Journey, later: Sequence[Life], rules: Rules
) -> ActivitySeen:
    """The activity with the life in which it happened, unless it is a repeat or waits."""
    deadline = activity.ts + rules.parking_ms
    install = known.install
    if install is None or install.ts > deadline:
        return activity
    if event_hash(activity.event_id) in known.activity_ids:
        return activity
    lives = [(life.time, life.opening) for life in later if life.ts <= deadline]
    lives.append((install.time, FIRST_LIFE))
    begun = [life for life in lives if life[0] <= activity.time]
    return replace(activity, opening=max(begun)[1] if begun else min(lives)[1])


def _addressees(
    install: Installed | None, later: Sequence[Life], record: JourneyRecord
) -> list[int]:
    """The openings of the lives that a record is for. `install` is that of the first life."""
    match record:
        case ActivitySeen():
            return [FIRST_LIFE, record.opening] if record.opening else [FIRST_LIFE]
        case Candidates(ordinal=ordinal) if ordinal == NAMED_BY_SESSION:
            return [FIRST_LIFE, *(life.opening for life in later)]
        case Candidates() if install is not None and record.opening:
            if record.opening == install.opening or not install.opening:
                return [FIRST_LIFE]
            return [life.opening for life in later if life.opening == record.opening]
        case Erased():
            return [FIRST_LIFE, *(life.opening for life in later if life.ts <= record.ts)]
        case LinksCut():
            first = [FIRST_LIFE] if install is None or install.ts > record.ts else []
            return [*first, *(life.opening for life in later if life.ts > record.ts)]
        case SiteVerdict() | ChoiceMade():
            return [FIRST_LIFE, *(life.opening for life in later)]
    return [FIRST_LIFE]
