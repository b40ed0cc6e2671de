"""What a run left in the warehouse, and the part of it that no interleaving may change."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas import topics
from streams.stages.contract import TopicPartition
from streams.store.tables import TABLES
from tests.simulation.topology.storing_worker import Row, Stored

Tables = dict[str, list[Row]]
Converged = dict[str, Any]
Place = tuple[str, int, int]

_SOURCE = frozenset({"source_topic", "source_partition", "source_offset", "received_at"})
_STEP = re.compile(r":[a-z_]+\.[0-9a-f]{8}(\+w?\d+)?\Z")
_BOOKING = re.compile(r":(\d+)(?::back|:move\d+[+-])?\Z")
_HISTORY = frozenset(
    {"attribution_id", "version", "supersedes", "reason", "decided_at", "candidates",
     "contributors", "match_confidence", "model_version"}
)  # fmt: skip
_decode = msgspec.json.Decoder(Row).decode


def tables(stored: Stored) -> Tables:
    """Rows by topic, in the order of partitions and offsets."""
    found: Tables = {topic.name: [] for topic in topics.OUTCOMES}
    for (table, _), rows in sorted(stored.items()):
        found[TABLES[table].topic] += [rows[offset] for offset in sorted(rows)]
    return found


def tables_of(messages: Mapping[TopicPartition, Iterable[bytes]]) -> Tables:
    """The same for messages that no store has seen."""
    found: Tables = {topic.name: [] for topic in topics.OUTCOMES}
    for (topic, _), values in sorted(messages.items()):
        found[topic] += map(_decode, values)
    return found


def converged(stored: Tables) -> Converged:
    """Current decisions, net revenue, parked records, dead letters, and counts of dispositions."""
    fates = final_dispositions(stored["ledger"])
    return {
        "touches": _touches(stored["touches"]),
        "attributions": {
            conversion_id: _without(row, _SOURCE | _HISTORY)
            for conversion_id, row in current_attributions(stored["attributions"]).items()
        },
        "credits": current_credits(stored["credits"]),
        "revenue": net_revenue(stored["revenue"]),
        "active-days": {
            (row["app_id"], row["conversion_id"], row["day_of_life"], row["date"])
            for row in stored["active-days"]
        },
        "milestones": first_times(stored["milestones"]),
        "parked": parked(stored),
        "dead_letters": sorted((row["reason"], row["payload"]) for row in stored["dead-letters"]),
        "ledger": Counter((place[0], fate) for place, fate in fates.items()),
        "spend": _distinct(stored["spend"]),
        "rates": _distinct(stored["rates"]),
        "postback-rows": _distinct(stored["postback-rows"]),
        "privacy-rows": _distinct(stored["privacy-rows"]),
    }


def first_times(rows: Iterable[Row]) -> dict[tuple[str, str, str], int]:
    """By app, install and name of the event: when it was first sent."""
    firsts: dict[tuple[str, str, str], int] = {}
    for row in rows:
        name = row["app_id"], row["install_id"], row["name"]
        firsts[name] = min(firsts.get(name, row["event_time"]), row["event_time"])
    return firsts


def current_attributions(rows: Iterable[Row]) -> dict[str, Row]:
    """By conversion id; what was withdrawn counts like what was never thought of."""
    current: dict[str, Row] = {}
    for row in rows:
        known = current.get(row["conversion_id"])
        if known is None or row["version"] > known["version"]:
            current[row["conversion_id"]] = row
    return {name: row for name, row in current.items() if row["status"] != "withdrawn"}


def current_credits(rows: Iterable[Row]) -> dict[str, Row]:
    """What rules share at last; what models do depends on the order in which they learned."""
    learned = frozenset({"model_version", "by_markov", "by_hazard"})
    history = frozenset({"credit_id", "revision", "version", "decided_at"})
    current = {row["conversion_id"]: row for row in sorted(rows, key=_revision)}
    return {name: _without(row, learned | history) for name, row in current.items()}


def _revision(row: Row) -> int:
    return int(row["revision"])


def net_revenue(rows: Iterable[Row]) -> dict[tuple[str, str, str], int]:
    """(install, money, currency) -> micros, where the money is booked in the end."""
    signs: Counter[tuple[str, str, str]] = Counter()
    micros: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        key = row["install_id"], row["money_id"], row["currency"]
        signs[key] += row["sign"]
        micros[key] += row["amount_micros"]
    return {key: micros[key] for key, sign in signs.items() if sign}


def parked(stored: Tables) -> dict[tuple[str, str], str]:
    """(subject, what it waits for) -> parked or expired; what was released is left out."""
    return _waiting(
        ((money_id_of(row["subject_id"]), row["waits_for"]), row) for row in of_last_booking(stored)
    )


def of_last_booking(stored: Tables) -> list[Row]:
    """The rows about the last booking of their money: what was booked before it is taken back."""
    last: dict[tuple[str, str], int] = {}
    rows = [(_subject(row), _revision_of(row), row) for row in stored["parked"]]
    for row in stored["revenue"]:
        booking, revision = _BOOKING.sub("", row["booking_id"]), _BOOKING.search(row["booking_id"])
        if revision is not None and row["kind"] != "ad_revenue":
            name = row["app_id"], booking
            last[name] = max(last.get(name, 0), int(revision[1]))
    for name, number, _ in rows:
        last[name] = max(last.get(name, 0), number)
    return [row for name, number, row in rows if number == last[name]]


def _subject(row: Row) -> tuple[str, str]:
    return row["app_id"], row["subject_id"]


def _revision_of(row: Row) -> int:
    found = re.match(r":(\d+):", row["parked_id"][len(row["subject_id"]) :])
    return int(found[1]) if found else 0


def parked_amounts(stored: Tables) -> dict[tuple[str, str], str]:
    """The same by step and amount: one refund that waits for its purchase may be stated in several
    ways, and each waits."""
    return _waiting(
        ((f"{row['app_id']} {row['subject_id']} {row['waits_for']}",
          f"{row['amount_micros']} {row['currency']}"), row)
        for row in of_last_booking(stored)
    )  # fmt: skip


def parked_steps(stored: Tables) -> dict[tuple[str, str], str]:
    """The same by event: every step of a transaction is one, and has an offset of its own."""
    return _waiting(
        (
            (f"{row['source_topic']} {row['source_partition']} {row['source_offset']}"
             f" {row['app_id']}:{row['subject_id']}", row["waits_for"]),
            row,
        )
        for row in of_last_booking(stored)
    )  # fmt: skip


def _waiting(rows: Iterable[tuple[tuple[str, str], Row]]) -> dict[tuple[str, str], str]:
    states: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for key, row in rows:
        states[key][row["state"]] += 1
    found = {}
    for key, seen in states.items():
        if seen["expired"]:
            found[key] = "expired"
        elif seen["parked"] > seen["released"]:
            found[key] = "parked"
    return found


def money_id_of(subject: str) -> str:
    """Of a step of a transaction the id of the money; of anything else the subject itself."""
    return _STEP.sub("", subject)


def final_dispositions(ledger: Iterable[Row]) -> dict[Place, str]:
    """What the last move says of each source offset; there `parked` gives way to any other.

    What was ever quarantined stays so.
    """
    dispositions: dict[Place, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in ledger:
        for offset in row["offsets"]:
            place = row["source_topic"], row["source_partition"], offset
            dispositions[place][row["move"]].append(row["disposition"])
    return {
        place: "quarantined"
        if any("quarantined" in one for one in moves.values())
        else _final(moves[max(moves)])
        for place, moves in dispositions.items()
    }


def _final(dispositions: list[str]) -> str:
    return "+".join(sorted(one for one in dispositions if one != "parked")) or "parked"


def without_order(stored: Tables) -> dict[str, Counter[bytes]]:
    """All rows as bags: the ledger by offset, because batches group it; no freshness."""
    bags = {
        topic: Counter(msgspec.json.encode(row, order="sorted") for row in rows)
        for topic, rows in stored.items()
        if topic not in (topics.LEDGER.name, topics.FRESHNESS.name)
    }
    bags["ledger"] = Counter(
        msgspec.json.encode((row["stage"], row["disposition"], row["move"], row["source_topic"],
                             row["source_partition"], offset))
        for row in stored["ledger"]
        for offset in row["offsets"]
    )  # fmt: skip
    return bags


def _touches(rows: Iterable[Row]) -> dict[str, Row]:
    ordered = sorted(rows, key=lambda row: (row["source_partition"], row["source_offset"]))
    return {row["event_id"]: _without(row, _SOURCE) for row in reversed(ordered)}


def _distinct(rows: Iterable[Row]) -> list[bytes]:
    encode = msgspec.json.encode
    return sorted({encode(_without(row, _SOURCE), order="sorted") for row in rows})


def _without(row: Row, names: frozenset[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}
