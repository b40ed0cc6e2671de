"""An explanation in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from streams.explain import Explanation, Row

MICROS = 1_000_000
_WHY = {
    "first_decision": "every touchpoint was looked up",
    "deadline": "the deadline came before every answer",
    "late_touchpoint": "a touchpoint arrived late",
}


def in_words(explanation: Explanation) -> str:
    """Lines to read, from the event to the decision to the money."""
    if not explanation.is_known:
        return (
            f"{explanation.identifier}: nothing is stored under this id. Ids of installs, "
            "touchpoints, payments and places in the log (touchpoints:0:17) are known; a worker "
            "may still be on its way to it (headwater query 'SELECT * FROM v_freshness')."
        )
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    for event in explanation.events:
        where = f" (table {event['table']})" if "table" in event else ""
        yield f"Event at {_place(event)}: {event['disposition']}{where}"
    for letter in explanation.dead_letters:
        yield f"Dead letter at {_place(letter)}: {letter['reason']}, {letter['detail']}"
    for row in explanation.parked:
        yield f"{row['kind']} {row['subject_id']}{_money(row, ' of ')}: {_waiting(row)}"
    for install in explanation.installs:
        yield from _install(install)


def _install(install: Row) -> Iterator[str]:
    yield f"Install {install['install_id']}"
    for decision in install["decisions"]:
        yield from _decision(decision)
    if not install["decisions"]:
        yield "  not decided yet"
    for booking in install["revenue"]:
        moved = " (moved from or to another install)" if booking["is_relink"] else ""
        yield (
            f"  {booking['event_time']}  {booking['kind']} {booking['transaction_id']}: "
            f"{_money(booking)}{moved}"
        )
    for prediction in install["predictions"]:
        yield (
            f"  {prediction['landmark_time']}  at {prediction['landmark']}: "
            f"{prediction['probability']:.1%} {prediction['target']} "
            f"({prediction['tier']}, model {prediction['model_version']})"
        )


def _decision(decision: Row) -> Iterator[str]:
    credit = "organic"
    if decision["status"] != "organic":
        campaign = decision["campaign_name"] or decision["campaign_id"] or "-"
        credit = (
            f"{decision['media_source']}, campaign {campaign}, by {decision['match_type']}"
            f" of {decision['touch_type']} {decision['touch_id']}, {decision['ctit_s']} s before"
        )
    yield (
        f"  {decision['decided_at']}  version {decision['version']}: {credit} "
        f"({_WHY.get(decision['reason'], decision['reason'])}; rules {decision['rule_set']})"
    )
    for candidate in decision["candidates"]:
        yield f"      {candidate['touch_id']}: {candidate['verdict']} ({candidate['rule']})"


def _waiting(row: Row) -> str:
    what = row["waits_for"]
    if row["state"] == "parked":
        return f"waits for its {what}, until {row['deadline']} at most"
    if row["state"] == "released":
        return f"has found its {what}"
    return f"waited for its {what} until {row['deadline']}, in vain"


def _place(row: Row) -> str:
    return f"{row['source_topic']}:{row['source_partition']}:{row['source_offset']}"


def _money(row: Row, before: str = "") -> str:
    if not row["currency"]:
        return ""
    return f"{before}{row['amount_micros'] / MICROS:,.2f} {row['currency']}"
