"""Requests of people: to be forgotten, and to see what is held about them."""

from __future__ import annotations

from streams.operations.privacy.export import Exported, export_person
from streams.operations.privacy.requests import (
    RequestStatus,
    request_status,
    run_erasure,
)
from streams.operations.privacy.verify import Verified, verify_request

__all__ = [
    "Exported",
    "RequestStatus",
    "Verified",
    "export_person",
    "request_status",
    "run_erasure",
    "verify_request",
]
