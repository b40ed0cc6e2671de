"""Who has the credit, by the events as producers wrote them.

Match keys here are the ids themselves and signatures are checked by hand, so that a fault in the
product's keys, pseudonyms or flags shows.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

import msgspec

from schemas import events
from schemas.records import ActivitySeen, ErasureSeen, Flag, Installed, Signal, Touch, TouchKind
from schemas.time import SECOND_MS, EventMs, LogMs, Millis
from tests.oracle.comparison import MATCH_TYPES
from tests.oracle.decision import Verdict, decide
from tests.oracle.history import History, Opened, Shown, Visit, namings_of
from tests.oracle.phone_clocks import has_twins, is_measured, phone_error, store_time
from tests.oracle.reengagement import Return, returns
from tests.oracle.rulebook import HOUR, Rulebook
from tests.simulation.oracle.logged_event import Seen
from tests.simulation.scenarios.advertisements import SECRETS

NOBODY = "00000000-0000-0000-0000-000000000000"
NOWHERE = (0, 0, 0)
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Sightings(NamedTuple):
    """First copies of what one app saw, and every copy of its sessions."""

    touchpoints: list[Seen]
    installs: list[Seen]
    sessions: list[Seen]
    all_sessions: list[Seen]
    erasures: tuple[ErasureSeen, ...]


class Credited(NamedTuple):
    """What is said of one conversion in the end."""

    touch_id: str
    match_type: str
    conversion_type: str
    status: str
    prior_install_id: str
    fraud: tuple[str, str]  # status and reason
    rejected: tuple[str, str]  # touch id and reason
    at: int
    expires_at: int


def all_credits(sightings: Sightings, book: Rulebook) -> dict[str, Credited]:
    """By conversion id: of every install, and of every return of a user."""
    guesses = book.guesses()
    history = History(
        tuple(_shown(record, guesses) for record in sightings.touchpoints),
        tuple(_opened(record, guesses) for record in sightings.installs),
        tuple(map(_visit, sightings.sessions)),
        namings_of(map(_visit, sightings.all_sessions)),
        erasures=sightings.erasures,
    )
    touches = {shown.touch.event_id: shown.touch.touch_id for shown in history.shown}
    touches |= {
        record.install.adservices.event_id: record.install.adservices.touch_id
        for record in history.opened
        if record.install.adservices
    }
    found: dict[str, Credited] = {}
    for opened in history.opened:
        install_id, time = opened.install.install_id, opened.install.time
        verdict = decide(opened, history, book)
        names = {} if verdict.is_erased else touches  # of who asked, touchpoints are not named
        found[install_id] = _first_credit(verdict, names, time)
        for back in returns(opened, history, book):
            found[back.conversion_id] = _return_credit(back, names)
    return found


def _first_credit(verdict: Verdict, touches: Mapping[str, str], time: int) -> Credited:
    return Credited(
        touches.get(verdict.winner, ""),
        MATCH_TYPES[verdict.signal + 1],
        verdict.conversion_type,
        verdict.status,
        verdict.prior_install_id,
        (verdict.fraud_status, verdict.fraud_reason),
        (touches.get(verdict.rejected, ""), verdict.rejected_reason),
        time,
        verdict.expires_at,
    )


def _return_credit(back: Return, touches: Mapping[str, str]) -> Credited:
    return Credited(
        touches.get(back.touch, ""), MATCH_TYPES[back.signal + 1], "reengagement", "reengaged", "",
        ("", ""), ("", ""), back.at, back.expires_at,
    )  # fmt: skip


# --- events as the oracle's records -------------------------------------------------------------


def _shown(record: Seen, guesses: bool) -> Shown:
    event: events.Touchpoint = record.event
    is_click = event.touch_type == "click"
    owned = list(devices(event))
    known = traits(event) if guesses and not owned else []
    touch = Touch(
        event.event_id, event.touch_id, TouchKind.CLICK if is_click else TouchKind.IMPRESSION,
        event.event_time, LogMs(record.ts), event.media_source, "", event.campaign_id or "", "", "",
        "", event.site_id or "", (event.click_lookback_s or 0) * SECOND_MS,
        (event.view_lookback_s or 0) * SECOND_MS, event.is_retargeting,
        signature_flags(_as_signed(record), record.ts) | id_flags(event), known,
        time_correction=record.time_correction,
    )  # fmt: skip
    keys = [f"click {event.touch_id}"] if is_click else []
    return Shown(touch, (*keys, *owned, *(f"network {value}" for value in known[1:2])))


def _as_signed(record: Seen) -> events.Touchpoint:
    """The touchpoint with the time that its sender signed."""
    event: events.Touchpoint = record.event
    time = record.reported_time if record.time_correction else event.event_time
    return msgspec.structs.replace(event, event_time=EventMs(time))


def _opened(record: Seen, guesses: bool) -> Opened:
    event: events.Install = record.event
    lookups: dict[str, Signal] = {}
    if referred := referred_click(event):
        lookups[f"click {referred}"] = Signal.REFERRER
    if event.click_id:
        lookups.setdefault(f"click {event.click_id}", Signal.CLICK_ID)
    lookups |= dict.fromkeys(devices(event), Signal.DEVICE_ID)
    known = traits(event) if guesses else []
    lookups |= {f"network {value}": Signal.PROBABILISTIC for value in known[1:2]}
    forged = Flag.SIGNATURE_INVALID if event.sdk_signature_valid is False else 0
    shift = phone_error(event)
    if record.time_correction and not has_twins(event):
        shift = event.event_time - record.reported_time
    begun, begin_by_phone = store_time(
        event.install_begin_time_server_s, event.install_begin_time_s, shift
    )
    clicked, click_by_phone = store_time(
        event.referrer_click_time_server_s, event.referrer_click_time_s, shift
    )
    doubt = 0
    if not is_measured(event, record.ts):
        doubt |= Flag.DEVICE_CLOCK if begin_by_phone else 0
        doubt |= Flag.DEVICE_CLICK_TIME if click_by_phone else 0
    install = Installed(
        event.install_id, event.event_id, event.app_id, "", "", "", "", event.event_time,
        LogMs(record.ts), len(lookups), False, NOWHERE,
        begin_time=EventMs(begun), referrer_click_time=EventMs(clicked),
        flags=id_flags(event) | forged | doubt, adservices=claimed(event, record.ts), traits=known,
        time_correction=record.time_correction,
    )  # fmt: skip
    return Opened(install, tuple(lookups.items()))


def _visit(record: Seen) -> Visit:
    event: events.Session = record.event
    session = ActivitySeen(
        event.install_id,
        event.event_id,
        "session",
        True,
        event.event_time,
        LogMs(record.ts),
        NOWHERE,
    )
    return Visit(session, f"click {event.touch_id}" if event.touch_id else "")


def claimed(event: events.Install, ts: int) -> Touch | None:
    """What Apple says; the campaign is not compared."""
    claim = event.adservices
    if claim is None or not claim.attribution:
        return None
    is_click = claim.claim_type == "Click"
    name = f"adservices {event.install_id}"
    return Touch(
        name, name, TouchKind.CLICK if is_click else TouchKind.IMPRESSION,
        EventMs((claim.click_time if is_click else claim.impression_time) or 0), LogMs(ts),
        "Apple Search Ads",
        "", "", "", "", "", "", Millis(0), Millis(0), claim.conversion_type == "Redownload",
    )  # fmt: skip


def referred_click(event: events.Install) -> str | None:
    parameters = parse_qs(event.install_referrer or "")
    return next((parameters[n][0] for n in ("click_id", "gclid") if n in parameters), None)


def devices(event: events.DeviceEvent) -> Iterable[str]:
    """The ids that may be read. Whoever limits tracking, or denies it, keeps the id for ads to
    themselves, and whoever refuses data usage the vendor's, too."""
    answers = event.consent
    limits = event.limit_ad_tracking or event.att_status in (0, 1, 2)
    ids = [event.idfv] if limits or (answers is not None and answers.ad_storage is False) else [
        event.gaid, event.idfa, event.idfv, event.oaid
    ]  # fmt: skip
    if answers is not None and answers.data_usage is False:
        ids = []
    return [f"device {record}" for record in ids if record is not None and record != NOBODY]


def all_devices(event: events.DeviceEvent) -> set[str]:
    """Also the ids that may not be read: who asks by one of them is forgotten all the same."""
    ids = event.gaid, event.idfa, event.idfv, event.oaid
    return {f"device {record}" for record in ids if record is not None and record != NOBODY}


def naming_keys(event: events.Install) -> set[str]:
    """What an install, and hardly anybody else, is known by."""
    clicks = {f"click {click}" for click in (referred_click(event), event.click_id) if click}
    return all_devices(event) | clicks


def traits(event: events.DeviceEvent) -> list[str]:
    """Whoever said yes is known by address, network, system, browser and country.

    Private addresses are everybody's.
    """
    if event.consent is None or not event.consent.data_usage or not event.ip:
        return []
    if event.ip.startswith("10."):
        return []
    network = event.ip.rpartition(".")[0]
    return [event.ip, network, event.os_version or "", "", event.country_code or ""]


def id_flags(event: events.DeviceEvent) -> int:
    known = [record for record in (event.gaid, event.idfa) if record is not None]
    return 0 if all(re.fullmatch(UUID, record) for record in known) else Flag.MALFORMED_ID


def signature_flags(event: events.Touchpoint, ts: int) -> int:
    secret = SECRETS.get(event.media_source)
    if secret is None:
        return 0
    if not event.signature:
        return Flag.SIGNATURE_MISSING
    lines = [event.event_id, event.app_id, event.touch_id, event.touch_type,
             str(event.event_time), event.media_source, event.campaign_id or "",
             event.site_id or ""]  # fmt: skip
    right = hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    if event.signature != right:
        return Flag.SIGNATURE_INVALID
    return Flag.SIGNATURE_STALE if ts - event.event_time > 48 * HOUR else 0
