"""An explanation in plain words, from the event to the decision to the money."""

from __future__ import annotations

from collections.abc import Iterator

from online_models.scoring.tiers import RATES_ANSWER
from streams.operations.explain.conversion_text import conversion_text
from streams.operations.explain.explanation import Explanation
from streams.operations.explain.rows import Row

_MICROS = 1_000_000
PARTS_MAX = 5
"""Features named beside a prediction; the others are added up, so that it stays one line."""


def explanation_text(explanation: Explanation) -> str:
    """Lines of text; a single one, with advice, when nothing is stored under the id."""
    if not explanation.is_known:
        return (
            f"{explanation.identifier}: nothing is stored under this id. Give the id of an "
            "install, event, touchpoint or payment, or a log position such as touchpoints:0:17. "
            "Sessions and events in the app are counted, and not stored one by one. "
            "Workers may not have reached it yet: see headwater query 'SELECT * FROM v_freshness'."
        )
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    for event in explanation.events:
        if event.get("table") == "dead_letters":
            continue
        name = f"Event {event['event_id']}" if event.get("event_id") else "Event"
        copy_of = event.get("duplicate_of")
        what = f"duplicate of event {copy_of}" if copy_of else event["disposition"]
        why = f", {event['reason']}" if event.get("reason") else ""
        yield f"{name} at {_position(event)}: {what}{why}"
    for postback in explanation.postbacks:
        yield _postback(postback)
    for letter in explanation.dead_letters:
        yield f"Dead letter at {_position(letter)}: {letter['reason']}, {letter['detail']}"
    for row in explanation.quarantined:
        yield _quarantined(row)
    for row in explanation.parked:
        yield f"{row['kind']} {row['subject_id']}{_money(row, ' of ')}: {_waiting(row)}"
    for install in explanation.installs:
        yield from _install(install)


def _install(install: Row) -> Iterator[str]:
    yield f"Install {install['install_id']}{_about(install)}"
    yield from conversion_text(install["decisions"], install.get("fraud", []))
    if not install["decisions"]:
        yield "  not decided yet"
    for share in install.get("credits", []):
        yield f"  {_shares(share)}"
    for booking in install["revenue"]:
        moved = " (moved from or to another install)" if booking["is_relink"] else ""
        yield (
            f"  {booking['event_time']}  {booking['kind']} {booking['transaction_id']}: "
            f"{_money(booking)}{moved}"
        )
    for prediction in install["predictions"]:
        at = f"{prediction['landmark_time']}  at {prediction['landmark']}"
        yield f"  {at}: {_expected(prediction)}"
        if why := _why(prediction):
            yield f"      why: {why}"


def _why(row: Row) -> str:
    """The features that added most, whatever their sign; empty without a probability."""
    found = row.get("contributions")
    if found is None:
        missing: str = row.get("contributions_missing", "")
        return missing if row["chances"] else ""
    parts = [f"{one['log_odds']:+.2f} {one['feature']}" for one in found["parts"][:PARTS_MAX]]
    rest = sum(one["log_odds"] for one in found["parts"][PARTS_MAX:])
    others = f", {rest:+.2f} {len(found['parts']) - PARTS_MAX} others" if rest else ""
    return (
        f"{', '.join(parts)}{others} (log odds by {found['horizon']}; from "
        f"{found['intercept']:.2f} to {found['total']:.2f})"
    )


def _expected(row: Row) -> str:
    """What was predicted for the install, by which model, and the segment to act on."""
    texts = []
    if row["chances"]:
        chances = ", ".join(f"{chance:.1%} by {name}" for name, chance in row["chances"].items())
        by, reason = row["tier"], row["tier_reason"]
        if reason.startswith(RATES_ANSWER) and by != "rates":
            by = f"{by}, rates for {reason.removeprefix(RATES_ANSWER)}"
        elif reason:
            by = f"{by} for {reason}"
        segment = f", segment {row['segment']}" if row["segment"] else ""
        texts.append(f"{row['target']} {chances} ({by}, model {row['model_version']}){segment}")
    if row["amounts"]:
        amounts = ", ".join(f"{amount:.2f} by {name}" for name, amount in row["amounts"].items())
        growth = "partly extrapolated from earlier installs, " if row["is_extrapolated"] else ""
        texts.append(f"value {amounts} {row['currency']} ({growth}model {row['value_version']})")
    return "; ".join(texts)


def _about(install: Row) -> str:
    """App, device and first open, from the latest decision."""
    if not install["decisions"]:
        return ""
    row = install["decisions"][-1]
    device = " ".join(row[name] for name in ("platform", "country_code") if row[name])
    return f" of {row['app_id']}{device and f' ({device})'}, first opened {row['install_time']}"


def _shares(row: Row) -> str:
    """How one method divides the credit, largest share first."""
    parts = sorted(row["shares"].items(), key=lambda part: (-part[1], part[0]))
    shares = ", ".join(f"{channel} {share:.0%}" for channel, share in parts)
    return f"credit by {row['method']} (version {row['version']}): {shares}"


def _postback(row: Row) -> str:
    """Whether it counts, and what its conversion value stands for."""
    of = f" of {row['ad_network_id']}" if row["ad_network_id"] else ""
    name = f"Postback {row['postback_id']}{of}"
    if row["signature_state"] != "valid":
        return f"{name}: {row['signature_state']} ({row['signature_reason']}), not counted"
    value = row["coarse_value"] or row["conversion_value"]
    stands_for = ", ".join(row["conversion_events"]) or row["conversion_state"]
    decoded = "no conversion value" if value == -1 else f"conversion value {value}: {stands_for}"
    won = "won" if row["did_win"] else "lost"
    return f"{name}: valid, {won}, {row['conversion_type']}, {decoded}"


def _waiting(row: Row) -> str:
    what = row["waits_for"]
    if row["state"] == "parked":
        return f"waits for its {what} until {row['deadline']}"
    if row["state"] == "released":
        return f"has found its {what}"
    return f"expired: its {what} was not found by {row['deadline']}"


def _quarantined(row: Row) -> str:
    key = f"key {row['state_key']}" if row["state_key"] else "a whole message"
    return (
        f"Quarantined by {row['stage']}: {key} lacks what raised {row['error']}; see "
        f"`headwater dead-letters show {row['quarantine_id']}`"
    )


def _position(row: Row) -> str:
    return f"{row['source_topic']}:{row['source_partition']}:{row['source_offset']}"


def _money(row: Row, before: str = "") -> str:
    if not row["currency"]:
        return ""
    return f"{before}{row['amount_micros'] / _MICROS:,.2f} {row['currency']}"
