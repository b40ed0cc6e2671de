"""Settings of privacy: the secrets that pseudonyms are made with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.time import LogMs
from streams.settings.values import Secret

SECRET_BYTES_MIN = 32
"""A shorter secret of pseudonyms can be tried out. Text of this length from a random source."""


class PrivacySettings(Struct, frozen=True, kw_only=True):
    pseudonym_secret: Annotated[
        Secret | None,
        Meta(
            description="Key of the pseudonyms that replace device ids and accounts: at least 32 "
            "random bytes. Workers on a real broker do not start without it. Not set on the "
            "embedded broker: a published key that protects nobody.",
            examples=["HEADWATER_PSEUDONYM_SECRET_FILE=/run/secrets/pseudonyms"],
        ),
    ] = field(name="HEADWATER_PSEUDONYM_SECRET", default=None)
    former_secret: Annotated[
        Secret | None,
        Meta(
            description="The key that HEADWATER_PSEUDONYM_SECRET has replaced: ids are looked up "
            "under both keys until HEADWATER_PSEUDONYM_FORMER_UNTIL.",
            examples=["HEADWATER_PSEUDONYM_SECRET_FORMER_FILE=/run/secrets/former_pseudonyms"],
        ),
    ] = field(name="HEADWATER_PSEUDONYM_SECRET_FORMER", default=None)
    former_until_date: Annotated[
        date | None,
        Meta(
            description="Day of the log, in UTC, from which HEADWATER_PSEUDONYM_SECRET_FORMER is "
            "used no longer.",
            examples=["2027-06-30"],
        ),
    ] = field(name="HEADWATER_PSEUDONYM_FORMER_UNTIL", default=None)

    @property
    def former_until(self) -> LogMs:
        """The log time from which the former secret is used no longer; 0: there is none."""
        day = self.former_until_date
        if day is None:
            return LogMs(0)
        return LogMs(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000)

    @property
    def fault(self) -> str:
        """What no single one of these settings can tell about itself; empty: nothing is wrong."""
        if (self.former_secret is None) != (self.former_until_date is None):
            return (
                "HEADWATER_PSEUDONYM_SECRET_FORMER and HEADWATER_PSEUDONYM_FORMER_UNTIL: set both "
                "or none"
            )
        if self.former_secret is not None and self.former_secret == self.pseudonym_secret:
            return (
                "HEADWATER_PSEUDONYM_SECRET_FORMER is HEADWATER_PSEUDONYM_SECRET: unset it with "
                "its date, or set a new HEADWATER_PSEUDONYM_SECRET"
            )
        return ""
