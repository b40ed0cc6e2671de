"""Rows of who came back: a life of an erased install that began after the last request.

The system restores an install id from a backup or a keychain, so that the same person, or the next
owner of the device, has it again. A later life has a conversion of its own; whatever happened since
it began is of it, and stays. Test traffic has such conversions from the beginning, and is erased.
"""

from __future__ import annotations

from streams.store.erasure.anonymous_ids import AnonymousSql, is_anonymous

_NEVER = "toDateTime64('2299-12-31 00:00:00', 3, 'UTC')"


class Returned:
    """Tells rows of who came back from those of before, for one secret."""

    def __init__(self, ids: AnonymousSql) -> None:
        begun = (
            "SELECT concat(toString(one.app_id), '\\n', one.install_id) AS name,"
            " min(one.install_time) AS begun FROM (SELECT app_id, install_id, install_time"
            " FROM attributions WHERE environment = 'production'"
            " AND startsWith(conversion_id, concat(install_id, '~'))"
            f" AND NOT {is_anonymous('install_id')}) AS one"
            " INNER JOIN (SELECT toString(app_id) AS app, anonymous_id, max(until_at) AS until"
            " FROM privacy_erased WHERE kind = 'install' GROUP BY app, anonymous_id) AS two"
            " ON two.app = toString(one.app_id)"
            f" AND two.anonymous_id = {ids.sql('one.install_id')}"
            " WHERE one.install_time > two.until GROUP BY name ORDER BY name"
        )
        names = f"arrayPushBack((SELECT groupArray(name) FROM ({begun})), '')"
        times = f"arrayPushBack((SELECT groupArray(begun) FROM ({begun})), {_NEVER})"
        install = "concat(toString(app_id), '\\n', install_id)"
        self._begun = f"transform({install}, {names}, {times}, {_NEVER})"

    def before(self, time: str) -> str:
        """SQL: whether a row of an install, of this time, is not of who came back."""
        return f"({time} < {self._begun})"
