"""Requests of people: to be forgotten, and to see what is held about them."""

from __future__ import annotations

from streams.operations.privacy.export import Exported, export_person
from streams.operations.privacy.requests import (
    RequestStatus,
    RequestVerdict,
    request_status,
    run_erasure,
)
from streams.operations.privacy.verify import Verified, verify_request

__all__ = [
    "Exported",
    "RequestStatus",
    "RequestVerdict",
    "Verified",
    "export_person",
    "request_status",
    "run_erasure",
    "verify_request",
]
