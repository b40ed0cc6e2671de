"""An explanation in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from streams.operations.explain.conversion_text import conversion_text
from streams.operations.explain.explanation import Explanation, Row

_MICROS = 1_000_000
PARTS_MAX = 5


def explanation_text(explanation: Explanation) -> str:
    """Lines to read, from the event to the decision to the money."""
    if not explanation.is_known:
        return (
            f"{explanation.identifier}: nothing is stored under this id. Ids of installs, their "
            "events, touchpoints, payments and places in the log (touchpoints:0:17) are known; a "
            "worker may still be on its way to it (headwater query 'SELECT * FROM v_freshness')."
        )
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    for event in explanation.events:
        where = f" (table {event['table']})" if "table" in event else ""
        yield f"Event at {_place(event)}: {event['disposition']}{where}"
    for postback in explanation.postbacks:
        yield _postback(postback)
    for letter in explanation.dead_letters:
        yield f"Dead letter at {_place(letter)}: {letter['reason']}, {letter['detail']}"
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
    """The features that added most, whatever their sign; empty where there is no chance."""
    told = row.get("contributions")
    if told is None:
        missing: str = row.get("contributions_missing", "")
        return missing if row["chances"] else ""
    parts = [f"{one['log_odds']:+.2f} {one['feature']}" for one in told["parts"][:PARTS_MAX]]
    rest = sum(one["log_odds"] for one in told["parts"][PARTS_MAX:])
    others = f", {rest:+.2f} {len(told['parts']) - PARTS_MAX} others" if rest else ""
    return (
        f"{', '.join(parts)}{others} (log odds by {told['horizon']}; from "
        f"{told['intercept']:.2f} to {told['total']:.2f})"
    )


def _expected(row: Row) -> str:
    """What was expected of the install, by whom, and what to do about it."""
    said = []
    if row["chances"]:
        chances = ", ".join(f"{chance:.1%} by {name}" for name, chance in row["chances"].items())
        by = row["tier"] if not row["tier_reason"] else f"{row['tier']} for {row['tier_reason']}"
        segment = f", segment {row['segment']}" if row["segment"] else ""
        said.append(f"{row['target']} {chances} ({by}, model {row['model_version']}){segment}")
    if row["amounts"]:
        amounts = ", ".join(f"{amount:.2f} by {name}" for name, amount in row["amounts"].items())
        growth = "in part by the growth of earlier installs, " if row["is_extrapolated"] else ""
        said.append(f"value {amounts} {row['currency']} ({growth}model {row['value_version']})")
    return "; ".join(said)


def _about(install: Row) -> str:
    """App, device and first open, as the latest decision tells them."""
    if not install["decisions"]:
        return ""
    row = install["decisions"][-1]
    device = " ".join(row[name] for name in ("platform", "country_code") if row[name])
    return f" of {row['app_id']}{device and f' ({device})'}, first opened {row['install_time']}"


def _shares(row: Row) -> str:
    """How one method shares the credit, largest first."""
    parts = sorted(row["shares"].items(), key=lambda part: (-part[1], part[0]))
    told = ", ".join(f"{channel} {share:.0%}" for channel, share in parts)
    return f"shared by {row['method']} (version {row['version']}): {told}"


def _postback(row: Row) -> str:
    """Whether it counts, and what its conversion value stands for."""
    of = f" of {row['ad_network_id']}" if row["ad_network_id"] else ""
    name = f"Postback {row['postback_id']}{of}"
    if row["signature_state"] != "valid":
        return f"{name}: {row['signature_state']} ({row['signature_reason']}), not counted"
    value = row["coarse_value"] or row["conversion_value"]
    stands_for = ", ".join(row["conversion_events"]) or row["conversion_state"]
    told = "no conversion value" if value == -1 else f"conversion value {value}: {stands_for}"
    won = "won" if row["did_win"] else "lost"
    return f"{name}: valid, {won}, {row['conversion_type']}, {told}"


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
    return f"{before}{row['amount_micros'] / _MICROS:,.2f} {row['currency']}"
