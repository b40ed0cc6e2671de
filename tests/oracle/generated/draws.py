"""Small histories full of coincidence: shared ids, equal times, and the millisecond beside every
edge the rules know."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import (
    ActivitySeen,
    ChoiceSeen,
    ErasureSeen,
    Flag,
    Installed,
    Signal,
    SiteVerdict,
    Touch,
    TouchKind,
)
from schemas.time import EventMs, LogMs, Millis
from tests.oracle.generated.random_source import RandomSource, happens, pick
from tests.oracle.history import History, Opened, Shown, Visit, namings_of, own_key
from tests.oracle.rulebook import DAY, HOUR, LATE_MAX, MINUTE, SECOND, SITE_REASONS, Rulebook

APP = "app.one"
NOON = 1_790_000_000_000
SOURCES = ("north", "south", "east")
CAMPAIGNS = ("", "campaign-0", "campaign-1")
SITES = ("", "s")
CLICK_IDS = ("c0", "c1", "c2", "c3")
DEVICES = (("d0",), ("d0",), ("d1",), ("d0", "d1"), ())
INSTALL_FLAGS = (Flag.MALFORMED_ID, Flag.MALFORMED_ID, Flag.SIGNATURE_INVALID)
NETWORKS = ("p0", "p0", "p1")
BESIDE = (0, 0, 1, -1)
WINDOWS = (HOUR, MINUTE, 30 * MINUTE, DAY, 6 * HOUR, 7 * DAY, 30 * DAY, 14 * DAY)
ABSENCES = (7 * DAY, HOUR, DAY, 8 * DAY, 30 * DAY, 1)
GAPS = (DAY, 0, 1, HOUR, 7 * DAY, 30 * DAY, 90 * DAY, 3 * DAY)
INSTALLS = (1, 1, 2, 2, 2, 3, 3, 4)
TOUCHES = (1, 0, 2, 3, 4, 4, 5, 6, 7, 8)
ERASURES = (0, 0, 0, 0, 0, 0, 1, 2)
CHOICES = (0, 0, 0, 0, 0, 1, 2, 3)
VERDICTS = (0, 0, 0, 0, 1, 2)
VISITS = (0, 0, 0, 1, 1, 2, 3, 4)


class Draft(NamedTuple):
    """An install before the touchpoints that it will refer to are known."""

    name: str
    time: int
    ts: int
    begin: int
    devices: tuple[str, ...]
    network: str
    referred: str  # click id in the referrer; "": none
    clicked: str  # click id that the app itself knows


def draw(random_source: RandomSource, book: Rulebook) -> History:
    return _Drawing(random_source, book).history()


class _Drawing:
    def __init__(self, random_source: RandomSource, book: Rulebook) -> None:
        self.random_source = random_source
        self.guesses = book.guesses()
        self.drafts: list[Draft] = []
        self.shown: list[Shown] = []
        self.visits: list[Visit] = []

    def history(self) -> History:
        random_source = self.random_source
        for _ in range(pick(random_source, INSTALLS)):
            self._install()
        for _ in range(pick(random_source, TOUCHES)):
            self._touch()
        for _ in range(pick(random_source, VISITS)):
            self._visit()
        opened = tuple(self._opened(draft) for draft in self.drafts)
        verdicts = tuple(
            self._verdict() for _ in range(pick(random_source, VERDICTS)) if self.shown
        )
        visits = tuple(self.visits)
        erasures = tuple(self._erasure(n) for n in range(pick(random_source, ERASURES)))
        choices = tuple(self._choice(n) for n in range(pick(random_source, CHOICES)))
        return History(
            tuple(self.shown), opened, visits, namings_of(visits), verdicts, erasures, choices
        )

    # --- installs -------------------------------------------------------------------------------

    def _install(self) -> None:
        random_source, time = self.random_source, NOON
        if self.drafts:
            time = (
                pick(random_source, self.drafts).time
                + pick(random_source, GAPS)
                + pick(random_source, BESIDE)
            )
        begin = pick(
            random_source, (0, 0, time - MINUTE, time - HOUR, time - 5 * SECOND, time, time + 1)
        )
        self.drafts.append(
            Draft(
                f"i{len(self.drafts)}",
                time,
                self._logged(time),
                begin,
                pick(random_source, DEVICES),
                pick(random_source, NETWORKS)
                if self.guesses and happens(random_source, 60)
                else "",
                pick(random_source, CLICK_IDS) if happens(random_source, 40) else "",
                pick(random_source, CLICK_IDS) if happens(random_source, 35) else "",
            )
        )

    def _opened(self, draft: Draft) -> Opened:
        lookups: dict[str, Signal] = {}
        if draft.referred:
            lookups[f"c:{draft.referred}"] = Signal.REFERRER
        if draft.clicked:
            lookups.setdefault(f"c:{draft.clicked}", Signal.CLICK_ID)
        for device in draft.devices:
            lookups[f"d:{device}"] = Signal.DEVICE_ID
        if draft.network:
            lookups[f"p:{draft.network}"] = Signal.PROBABILISTIC
        install = Installed(
            draft.name, f"install {draft.name}", APP, "android", "DE", "1", "14",
            EventMs(draft.time), LogMs(draft.ts), len(lookups), False, (1, 0, int(draft.name[1:])),
            begin_time=EventMs(draft.begin),
            referrer_click_time=EventMs(self._referrer_click_time(draft)),
            flags=pick(self.random_source, INSTALL_FLAGS) if happens(self.random_source, 8) else 0,
            adservices=self._adservices(draft) if happens(self.random_source, 15) else None,
            traits=traits_of(draft.network),
        )  # fmt: skip
        return Opened(install, tuple(lookups.items()))

    def _referrer_click_time(self, draft: Draft) -> int:
        """Of a click it may have come from, an hour beside it, or after the download began."""
        random_source = self.random_source
        if not draft.referred or not self.shown or happens(random_source, 40):
            return 0
        near = pick(random_source, self.shown).touch.time
        away = pick(random_source, (0, HOUR, HOUR + 1, -HOUR, -HOUR - 1))
        return pick(random_source, (near + away, near + away, draft.begin, draft.begin + 1))

    def _adservices(self, draft: Draft) -> Touch:
        random_source = self.random_source
        kind = pick(random_source, (TouchKind.CLICK, TouchKind.CLICK, TouchKind.IMPRESSION))
        time = 0
        if happens(random_source, 60):
            time = draft.time - pick(random_source, (0, *WINDOWS)) - pick(random_source, BESIDE)
        return Touch(
            f"{draft.name}:adservices", "", kind, EventMs(time), LogMs(draft.ts), "apple", "",
            pick(random_source, CAMPAIGNS), "", "", "", "", Millis(0), Millis(0),
            happens(random_source, 40),
        )  # fmt: skip

    # --- touchpoints ----------------------------------------------------------------------------

    def _touch(self) -> None:
        random_source = self.random_source
        draft = pick(random_source, self.drafts)
        kind = pick(random_source, (TouchKind.CLICK, TouchKind.CLICK, TouchKind.IMPRESSION))
        time = self._touch_time(draft)
        ts = self._logged(time)
        if happens(random_source, 10):
            ts = max(time, draft.ts + LATE_MAX + pick(random_source, BESIDE))
        lookback = (
            pick(random_source, (HOUR, 20 * DAY, 99 * DAY)) if happens(random_source, 12) else 0
        )
        touch_id, keys = self._names(draft, kind)
        touch = Touch(
            f"t{len(self.shown)}", touch_id, kind, EventMs(time), LogMs(ts),
            pick(random_source, SOURCES),
            "", pick(random_source, CAMPAIGNS), "", "", "", pick(random_source, SITES),
            Millis(lookback),
            Millis(lookback), happens(random_source, 75 if time > draft.time else 30),
            pick(random_source, tuple(Flag)) if happens(random_source, 10) else 0,
            traits_of(keys[-1][2:] if keys[-1].startswith("p:") else ""),
        )  # fmt: skip
        self.shown.append(Shown(touch, keys))

    def _touch_time(self, draft: Draft) -> int:
        random_source = self.random_source
        beside = pick(random_source, BESIDE)
        match pick(random_source, (0, 0, 0, 1, 2, 3, 3, 4)):
            case 1:
                return draft.time - pick(random_source, (10 * SECOND, 0, SECOND)) + beside
            case 2 if draft.begin:
                return draft.begin + pick(random_source, (5 * SECOND, 0)) + beside
            case 3:  # after the install, for those who come back
                return draft.time + pick(random_source, ABSENCES) + beside
            case 4 if self.shown:
                return (
                    pick(random_source, self.shown).touch.time
                    + pick(random_source, (0, 0, DAY))
                    + beside
                )
        return draft.time - pick(random_source, WINDOWS) + beside

    def _names(self, draft: Draft, kind: TouchKind) -> tuple[str, tuple[str, ...]]:
        """Its own id, and the keys it is found under: the same device most of the time."""
        random_source = self.random_source
        devices = draft.devices if happens(random_source, 60) else pick(random_source, DEVICES)
        keys = [f"d:{device}" for device in devices]
        if not devices and self.guesses:
            keys.append(f"p:{draft.network or pick(random_source, NETWORKS)}")
        if kind is TouchKind.IMPRESSION:
            name = f"v{len(self.shown)}"
            return name, tuple(keys) or (f"e:{name}",)
        wanted = [one for one in (draft.referred, draft.clicked) if one]
        name = pick(random_source, wanted if wanted and happens(random_source, 50) else CLICK_IDS)
        return name, (f"c:{name}", *keys)

    # --- sessions -------------------------------------------------------------------------------

    def _visit(self) -> None:
        """Some time after the install, or soon after a touchpoint, or when one had to be quiet."""
        random_source = self.random_source
        draft = pick(random_source, self.drafts)
        time = draft.time + pick(random_source, WINDOWS) + pick(random_source, BESIDE)
        later = [one for one in self.shown if one.touch.time > draft.time]
        if later and happens(random_source, 80):
            near = pick(random_source, later).touch.time
            away = pick(random_source, (SECOND, 0, *WINDOWS)) * pick(random_source, (1, 1, 1, -1))
            time = near + away + pick(random_source, BESIDE)
        clicked = pick(random_source, CLICK_IDS) if happens(random_source, 30) else ""
        ts = max(self._logged(time), draft.ts - LATE_MAX)
        number = len(self.visits)
        session = ActivitySeen(
            draft.name, f"s{number}", "session", True, EventMs(time), LogMs(ts), (2, 0, number)
        )
        self.visits.append(Visit(session, f"c:{clicked}" if clicked else ""))

    # --- sites ----------------------------------------------------------------------------------

    def _verdict(self) -> SiteVerdict:
        """On any touchpoint, whether it led to the install or not, near what still counts."""
        random_source = self.random_source
        draft = pick(random_source, self.drafts)
        after = pick(random_source, (HOUR, DAY, 8 * DAY, 0)) + pick(random_source, BESIDE)
        value = pick(random_source, (0.99, 0.999, 0.95, 0.9499, 0.5))
        near = [one for one in self.shown if one.touch.time <= draft.time] or self.shown
        name, reason = pick(random_source, near).touch.event_id, pick(random_source, SITE_REASONS)
        return SiteVerdict(draft.name, name, reason, value, LogMs(draft.ts + after))

    def _erasure(self, number: int) -> ErasureSeen:
        """Somebody asks to be forgotten, perhaps twice, around what comes too late."""
        random_source = self.random_source
        times = [draft.ts for draft in self.drafts] + [one.session.ts for one in self.visits]
        away = pick(random_source, (0, DAY, LATE_MAX)) * pick(random_source, (1, -1)) + pick(
            random_source, BESIDE
        )
        return ErasureSeen(
            f"d:{pick(random_source, DEVICES[0] + DEVICES[2])}",
            f"r{number}",
            LogMs(pick(random_source, times) + away),
        )

    def _choice(self, number: int) -> ChoiceSeen:
        """Somebody opts out, or in again, around what it could concern."""
        random_source = self.random_source
        times = [one.ts for one in self.drafts] + [one.touch.ts for one in self.shown]
        keys = ("d:d0", "d:d0", "d:d1", own_key(pick(random_source, self.drafts).name))
        return ChoiceSeen(
            pick(random_source, keys),
            f"c{number}",
            LogMs(pick(random_source, times) + pick(random_source, BESIDE)),
            happens(random_source, 75),
        )

    def _logged(self, time: int) -> int:
        """When an event reaches the log: soon, late, or as late as some other one still counts."""
        random_source = self.random_source
        if self.drafts and happens(random_source, 15):
            edge = pick(random_source, self.drafts).ts + LATE_MAX + pick(random_source, BESIDE)
            return max(time, edge)
        return time + pick(random_source, (0, 0, SECOND, SECOND, HOUR, DAY, 5 * DAY))


def traits_of(network: str) -> list[str]:
    """The same network looks alike, another one partly."""
    return [f"ip {network}", f"net {network}", "14", "agent", "DE"] if network else []
