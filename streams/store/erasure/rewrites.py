"""Which columns of which tables name a person, and what takes their place, as SQL.

An id of a person is in the list `privacy_erased`, by kind. A column is *own* if it names somebody
whenever the row is of an erased install, and *listed* if it may name another person than the rest
of the row, so that it is looked up by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from streams.store.base import quote
from streams.store.erasure.anonymous_ids import AnonymousSql, booking_base, is_anonymous
from streams.store.erasure.returned import Returned

KIND_OF_RECEIPT = (
    "multiIf(place = 'journeys' OR place = 'access' AND subject_type = 'install_id', 'install',"
    " place = 'intake', 'identity', subject_type = 'booking', 'money', toString(subject_type))"
)
"""SQL: the kind under which the subject of a receipt is in the list."""
IS_ERASING = "request_type = 'erasure' AND toString(result) NOT IN ('shared_identity', 'refused')"
"""SQL: whether the subject of a receipt is to be erased."""
HAS_SHARED = (
    "subject_request_id IN"
    " (SELECT subject_request_id FROM privacy_receipts WHERE result = 'shared_identity')"
)
"""SQL: whether an identity of a request is of more people than the one who asks."""
IS_LISTED = (
    f"{IS_ERASING} AND NOT (place = 'intake' AND {HAS_SHARED})"
    " AND NOT (place = 'matching' AND (subject_request_id, subject_key) IN"
    " (SELECT subject_request_id, subject_key FROM privacy_receipts"
    " WHERE result = 'shared_identity'))"
)
"""SQL: whether the subject of a receipt comes into the list. A device that many have does not, nor
by what is known of the test device with its id: the list knows no environments."""
FORGOTTEN = "erased-: its bytes named somebody who asked to be forgotten"
_TOKENS = "[A-Za-z0-9_.@+~-]{4,}"
"""What an id may look like in bytes that nobody could read."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The rows of one table that name erased people, and their columns afterwards."""

    table: str
    condition: str  # a row of an erased person that names the person
    columns: Mapping[str, str] = field(default_factory=dict)  # new values
    marks: tuple[str, ...] = ()  # SQL, each true once a column is anonymous

    @property
    def rank(self) -> str:
        """How many columns are anonymous: of two rows at one position the higher is the later."""
        return f"toInt64({' + '.join(self.marks)})"


class Rewrites:
    """The rewrites of all tables with one secret."""

    def __init__(self, ids: AnonymousSql, request_id: str = "") -> None:
        """`request_id`: of the people of this request only."""
        self._ids = ids
        self._list = "(SELECT * FROM privacy_erased)"
        if request_id:
            asked = f"subject_request_id = {quote(request_id)}"
            self._list = f"(SELECT * FROM privacy_erased WHERE {asked})"
        self._sql: Callable[[str], str] = ids.sql
        self._before = Returned(ids).before

    def listed(self, kind: str, text: str, app: str = "app_id") -> str:
        """SQL: whether an id is in the list."""
        return (
            f"({app}, {self._sql(text)}) IN"
            f" (SELECT toString(app_id), anonymous_id FROM {self._list} WHERE kind = '{kind}')"
        )

    def _erased(self, time: str) -> str:
        """SQL: whether the install of a row is in the list, and its row is not of who came back."""
        return f"({self.listed('install', 'install_id')} AND {self._before(time)})"

    def all(self) -> list[Rewrite]:
        """Every table, in an order in which each finds what it looks for."""
        return [
            self._attributions(),
            self._of_install("credits", "credit_id", "conversion_id"),
            self._of_install("fraud_verdicts", "verdict_id", "touch_id"),
            self._of_life("active_days", "active_day_id", "conversion_id"),
            self._of_life("milestones", "milestone_id", "conversion_id", "event_id"),
            self._of_install("features", "feature_id", time="landmark_time"),
            self._of_install("predictions", "prediction_id", time="landmark_time"),
            self._of_unit("assignments", "assignment_id", time="assigned_at"),
            self._of_unit("experiment_exposures", "exposure_id", "event_id", time="event_time"),
            self._revenue(),
            self._parked(),
            self._touches(),
            self._quarantined(),
            self._ledger(),
            self._dead_letters(),
            self._requests(),
            self._receipts(),  # Last: they name whom all others are searched for.
        ]

    def _of_install(self, table: str, *own: str, time: str = "install_time") -> Rewrite:
        columns = {name: self._sql(name) for name in ("install_id", *own)}
        is_named = f"NOT {is_anonymous('install_id')} AND {self._erased(time)}"
        return Rewrite(table, is_named, columns, (is_anonymous("install_id"),))

    def _of_life(self, table: str, composed: str, *own: str) -> Rewrite:
        """An id that is made of the app and the life is the one that a late row has: its stage
        knows the life by its anonymous id only."""
        made = self._composed(composed, "app_id, ':'", "conversion_id")
        rewrite = self._of_install(table, *own)
        return replace(rewrite, columns={**rewrite.columns, composed: made})

    def _of_unit(self, table: str, composed: str, *own: str, time: str) -> Rewrite:
        """The same of an id that is made of an experiment and the install."""
        start = "app_id, ':', experiment_id, ':', toString(experiment_version), ':'"
        made = self._composed(composed, start, "install_id")
        rewrite = self._of_install(table, *own, time=time)
        return replace(rewrite, columns={**rewrite.columns, composed: made})

    def _composed(self, composed: str, before: str, name: str) -> str:
        start = f"concat({before}, {name})"
        rest = f"substring({composed}, length({start}) + 1)"
        known = f"concat({before}, {self._sql(name)}, {rest})"
        return self._sql(f"if(startsWith({composed}, {start}), {known}, {composed})")

    def _attributions(self) -> Rewrite:
        own = (
            *("attribution_id", "conversion_id", "install_id", "event_id"),
            *("touch_id", "rejected_touch_id"),
        )
        is_own = self._erased("install_time")
        columns = {name: f"if({is_own}, {self._sql(name)}, {name})" for name in own}
        empty = {"candidates": "[]", "contributors": "[]", "device_model": ""}
        columns |= {name: f"if({is_own}, '{text}', {name})" for name, text in empty.items()}
        is_prior = f"prior_install_id != '' AND {self.listed('install', 'prior_install_id')}"
        columns["prior_install_id"] = (
            f"if({is_prior}, {self._sql('prior_install_id')}, prior_install_id)"
        )
        condition = (
            f"(NOT {is_anonymous('install_id')} AND {is_own})"
            f" OR (NOT {is_anonymous('prior_install_id')} AND {is_prior})"
        )
        marks = is_anonymous("install_id"), is_anonymous("prior_install_id")
        return Rewrite("attributions", condition, columns, marks)

    def _revenue(self) -> Rewrite:
        sale = self.listed("money", "transaction_id")
        original = (
            f"original_transaction_id != '' AND {self.listed('money', 'original_transaction_id')}"
        )
        is_own = self._erased("event_time")
        columns = {
            "install_id": f"if({is_own}, {self._sql('install_id')}, install_id)",
            "booking_id": f"if({sale}, {self._ids.booking_sql('booking_id')}, booking_id)",
            "original_transaction_id": (
                f"if({original}, {self._sql('original_transaction_id')}, original_transaction_id)"
            ),
        }
        for name in ("money_id", "transaction_id", "event_id"):
            columns[name] = f"if({sale}, {self._sql(name)}, {name})"
        names = ("install_id", "transaction_id", "original_transaction_id")
        tests = (is_own, sale, original)
        condition = " OR ".join(
            f"(NOT {is_anonymous(name)} AND {test})"
            for name, test in zip(names, tests, strict=True)
        )
        return Rewrite("revenue", condition, columns, tuple(map(is_anonymous, names)))

    def _parked(self) -> Rewrite:
        names = "kind IN ('session', 'in_app_event')"
        rest = "length(subject_id) - length(app_id) - length(event_id) - 2"
        install = f"substring(subject_id, length(app_id) + 2, greatest(0, {rest}))"
        new = f"if({names}, {self._sql('subject_id')}, {self._ids.booking_sql('subject_id')})"
        tail = "substring(parked_id, length(subject_id) + 1)"
        condition = (
            f"NOT {is_anonymous('subject_id')} AND if({names},"
            f" {self.listed('install', install)},"
            f" {self.listed('money', booking_base('subject_id'))})"
        )
        columns = {
            "subject_id": new,
            "parked_id": f"if(startsWith(parked_id, subject_id), concat({new}, {tail}),"
            f" {self._sql('parked_id')})",
            "event_id": self._sql("event_id"),
        }
        return Rewrite("parked", condition, columns, (is_anonymous("subject_id"),))

    def _touches(self) -> Rewrite:
        names = ("event_id", "touch_id", "device_key")
        columns = {name: self._sql(name) for name in names} | {"device_model": "''"}
        of_device = (
            f"device_key != '' AND (app_id, {self._sql('device_key')}) IN (SELECT toString(app_id),"
            f" anonymous_id FROM {self._list} WHERE kind = 'device') AND received_at <= "
            "toDateTime64(arrayFirst(one -> one.1 = "
            f"{self._sql('device_key')}, (SELECT groupArray((anonymous_id, until)) FROM (SELECT "
            f"anonymous_id, max(until_at) AS until FROM {self._list} WHERE kind = 'device'"
            " GROUP BY anonymous_id))).2, 3, 'UTC')"
        )
        condition = (
            f"NOT {is_anonymous('event_id')} AND"
            f" ({self.listed('event', 'event_id')} OR ({of_device}))"
        )
        return Rewrite("touches", condition, columns, (is_anonymous("event_id"),))

    def _quarantined(self) -> Rewrite:
        texts = "base64Decode(payload)", "base64Decode(message_key)", "state_key"
        condition = (
            f"NOT {is_anonymous('state_key')} AND ({self.listed('install', 'install_id')}"
            f" OR {self._mentions(*texts)})"
        )
        columns = dict.fromkeys(("payload", "message_key"), "''")
        columns |= {
            "install_id": self._sql("install_id"),
            "state_key": self._sql("if(state_key = '', quarantine_id, state_key)"),
            "detail": f"'{FORGOTTEN}'",
        }
        return Rewrite("quarantined", condition, columns, (is_anonymous("state_key"),))

    def _dead_letters(self) -> Rewrite:
        texts = "base64Decode(payload)", "base64Decode(key)", "detail"
        condition = f"NOT {is_anonymous('detail')} AND {self._mentions(*texts)}"
        columns = {"payload": "''", "key": "''", "detail": f"'{FORGOTTEN}'"}
        return Rewrite("dead_letters", condition, columns, (is_anonymous("detail"),))

    def _ledger(self) -> Rewrite:
        is_listed = f"{self._sql('one')} IN (SELECT anonymous_id FROM {self._list})"
        new = f"if({is_listed}, {self._sql('one')}, one)"
        lists = ("repeat_ids", "repeats_of")
        columns = {name: f"arrayMap(one -> {new}, {name})" for name in lists}
        open_ids = f"one != '' AND NOT {is_anonymous('one')} AND {is_listed}"
        condition = " OR ".join(f"arrayExists(one -> {open_ids}, {name})" for name in lists)
        marks = tuple(f"arrayCount(one -> {is_anonymous('one')}, {name})" for name in lists)
        return Rewrite("ledger", condition, columns, marks)

    def _requests(self) -> Rewrite:
        is_erased = (
            "request_type = 'erasure' AND subject_request_id IN"
            f" (SELECT subject_request_id FROM {self._list} WHERE kind = 'identity')"
        )
        # Other requests of the same person, such as one for access before it.
        keys = f"SELECT app_id, arrayJoin(identity_keys) AS one FROM privacy_rows WHERE {is_erased}"
        same = f"(app_id, {self._sql('one')}) IN (SELECT app_id, {self._sql('one')} FROM ({keys}))"
        condition = (
            f"(({is_erased}) OR arrayExists(one -> {same}, identity_keys))"
            f" AND arrayExists(one -> NOT {is_anonymous('one')}, identity_keys)"
        )
        columns = {"identity_keys": f"arrayMap(one -> {self._sql('one')}, identity_keys)"}
        marks = (f"arrayCount(one -> {is_anonymous('one')}, identity_keys)",)
        return Rewrite("privacy_rows", condition, columns, marks)

    def _receipts(self) -> Rewrite:
        condition = (
            f"NOT {is_anonymous('subject_key')} AND"
            f" ({KIND_OF_RECEIPT}, toString(app_id), {self._sql('subject_key')}) IN"
            f" (SELECT toString(kind), toString(app_id), anonymous_id FROM {self._list})"
        )
        columns = {name: self._sql(name) for name in ("receipt_id", "subject_key")}
        return Rewrite("privacy_receipts", condition, columns, (is_anonymous("subject_key"),))

    def _mentions(self, *texts: str) -> str:
        """SQL: whether bytes mention an install, event or sale of an erased person."""
        named = f"{self._sql('one')} IN (SELECT anonymous_id FROM {self._list})"
        found = ", ".join(f"extractAll({text}, '{_TOKENS}')" for text in texts)
        return f"arrayExists(one -> {named}, arrayConcat({found}))"
