"""The page on personal data names what an erasure replaces, and every id that events have."""

from __future__ import annotations

import re
import typing

from schemas.contracts.field_uses import used_fields
from schemas.contracts.personal import PERSONAL_COLUMNS, PERSONAL_FIELDS, privacy_page
from schemas.outcomes.accounting import ReceiptResult
from streams.operations.privacy.held_rows import NAMES_NOBODY
from streams.store.erasure.anonymous_ids import AnonymousSql
from streams.store.erasure.rewrites import Rewrites
from streams.store.tables import TABLES

OF_MANY = {
    "app_id", "campaign_id", "adset_id", "ad_group_id", "ad_id", "keyword_id", "site_id",
    "sub_site_id", "org_id", "product_id", "offer_id", "subject_request_id",
    "experiment_id", "order_id",
}  # fmt: skip
"""Ids of apps, advertisements, sites, products, requests and experiments, which many people
share."""


def test_the_columns_of_the_page_are_those_that_an_erasure_replaces() -> None:
    replaced = {
        one.table: tuple(sorted(one.columns)) for one in Rewrites(AnonymousSql(b"secret")).all()
    }
    named = {table: tuple(sorted(columns)) for table, columns in PERSONAL_COLUMNS.items()}
    assert named == replaced


def test_every_table_names_nobody_or_is_on_the_page() -> None:
    # Paths are hashes of a pseudonym and a time: from them nobody gets back to the device.
    assert PERSONAL_COLUMNS.keys() | NAMES_NOBODY.keys() | {"exposures"} == TABLES.keys()


def test_every_id_of_an_event_is_personal_or_of_many() -> None:
    names = re.compile(r"_id$|^(gaid|idf[av]|oaid|ip|user_agent)$|token|identity_value|referrer$")
    found = {(one.owner, one.field) for one in used_fields() if names.search(one.field)}
    assert {one for one in found if one[1] not in OF_MANY} <= PERSONAL_FIELDS.keys()
    assert PERSONAL_FIELDS.keys() <= {(one.owner, one.field) for one in used_fields()}


def test_the_page_explains_every_result_of_a_receipt() -> None:
    page = privacy_page()
    for result in typing.get_args(ReceiptResult):
        assert f"| `{result}` |" in page
