"""JSON Schema and AsyncAPI documents for producers and readers, made from the structs.

`documents` is pure and always gives the same bytes; `python -m schemas.contracts` writes the
files beside this one, and a test fails when they are stale.
"""

from __future__ import annotations

from schemas.contracts.asyncapi import COMPONENTS, asyncapi
from schemas.contracts.descriptions import field_descriptions
from schemas.contracts.documents import documents, read_examples, read_migrations
from schemas.contracts.messages import (
    SCHEMA_DIALECT,
    Examples,
    Json,
    json_schema,
    message_types,
    version_of,
)
from schemas.contracts.semantics import (
    CLOCK_TICKS,
    EVENT_REPEATS,
    MONEY_REPEATS,
    REFUSALS,
    SAME_AGAIN,
    SEMANTICS,
    Semantics,
)
from schemas.contracts.views import views_of

__all__ = [
    "CLOCK_TICKS",
    "COMPONENTS",
    "EVENT_REPEATS",
    "MONEY_REPEATS",
    "REFUSALS",
    "SAME_AGAIN",
    "SCHEMA_DIALECT",
    "SEMANTICS",
    "Examples",
    "Json",
    "Semantics",
    "asyncapi",
    "documents",
    "field_descriptions",
    "json_schema",
    "message_types",
    "read_examples",
    "read_migrations",
    "version_of",
    "views_of",
]
