"""Settings of the worker processes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from schemas.time import DAY_MS, MINUTE_MS, SECOND_MS, Millis
from streams.settings.declaration import DURATION, FOR_CHILD_PROCESSES


class WorkerSettings(Struct, frozen=True, kw_only=True):
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="Port of /metrics, /livez and /readyz. With `--role all`, storing takes "
            "the next one, and learning the one after it. 0: no port.",
            examples=["9100"],
        ),
    ] = field(name="HEADWATER_METRICS_PORT", default=6066)
    metrics_host: Annotated[
        str,
        Meta(
            description="Address that /metrics, /livez and /readyz listen on. The default is "
            "every address of the machine.",
            examples=["127.0.0.1"],
        ),
    ] = field(name="HEADWATER_METRICS_HOST", default="0.0.0.0")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(
            description="Least severe messages that workers log. `debug` also shows the traceback "
            "of a command that fails.",
            examples=["warning"],
        ),
    ] = field(name="HEADWATER_LOG_LEVEL", default="info")
    batch_records: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Maximum number of records that a core worker takes from Kafka in one "
            "poll, and that a stage decides in one checkpoint. A checkpoint also ends at 1 MB.",
            examples=["2000"],
        ),
    ] = field(name="HEADWATER_BATCH_RECORDS", default=4_000)
    catch_up_lead_ms: Annotated[
        Millis,
        Meta(
            ge=0,
            le=3_650 * DAY_MS,
            description="Log time by which a worker that catches up may read source topics ahead "
            "of what its journeys and its learning have passed; 0: as far as it comes. Small: "
            "what lies in the past is predicted by fresher models, and catching up takes longer. "
            "What is no older than this is never held.",
            examples=["1d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_CATCH_UP_LEAD", default=Millis(0))
    supervisor: Annotated[
        int,
        Meta(
            ge=0,
            le=2**31,
            description="Process id of the supervisor: the worker ends when it is gone.",
            examples=["4711"],
            extra=FOR_CHILD_PROCESSES,
        ),
    ] = field(name="HEADWATER_SUPERVISOR", default=0)
    stop_timeout_ms: Annotated[
        Millis,
        Meta(
            ge=SECOND_MS,
            le=30 * MINUTE_MS,
            description="Maximum time of an orderly stop: a worker finishes its checkpoints or "
            "inserts, then ends. What is cut off is done again after the next start.",
            examples=["30s"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_STOP_TIMEOUT", default=Millis(60 * SECOND_MS))
