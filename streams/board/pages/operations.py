"""Is anything late, set aside, or lost?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_DISPOSITIONS = Panel(
    name="accounting",
    title="What became of every event",
    sentence="Positions of the source topics by what finally became of them. A position that "
    "was settled more or less than once is a fault.",
    day="",
    has_app=False,
    sql="""
SELECT source_topic, countIf(disposition = 'decided') AS decided,
       countIf(disposition = 'duplicate') AS duplicate, countIf(disposition = 'parked') AS parked,
       countIf(disposition = 'expired') AS expired,
       countIf(disposition = 'dead_lettered') AS dead_lettered,
       countIf(disposition = 'quarantined') AS quarantined,
       countIf(final_dispositions != 1) AS faults
FROM v_accounting WHERE {where} GROUP BY source_topic ORDER BY source_topic
""",
    chart=PanelChart(kind="table"),
)

_STAGES = Panel(
    name="stages",
    title="How far the stages are",
    sentence="Log time that the slowest and the fastest partition of each stage have reached.",
    day="",
    has_app=False,
    sql="""
SELECT name AS stage, min(at) AS slowest, max(at) AS fastest, count() AS partitions
FROM v_freshness WHERE {where} AND kind = 'stage' GROUP BY name ORDER BY name
""",
    chart=PanelChart(kind="table"),
)

_TABLES = Panel(
    name="tables",
    title="When tables last grew",
    sentence="When the newest row of each table was stored.",
    day="",
    has_app=False,
    sql="""
SELECT name AS table_name, at AS newest_row
FROM v_freshness WHERE {where} AND kind = 'table' ORDER BY newest_row DESC
""",
    chart=PanelChart(kind="table"),
)

_SET_ASIDE = Panel(
    name="quarantined",
    title="Set aside",
    sentence="Keys whose rows lack something because a stage raised or ClickHouse refused a row.",
    day="",
    sql="""
SELECT app_id, stage, kind, error, sum(quarantined) AS records, max(last_seen) AS latest
FROM v_quarantined WHERE {where} GROUP BY app_id, stage, kind, error
ORDER BY records DESC LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

_DROPPED = Panel(
    name="dropped-fields",
    title="Fields that were not read",
    sentence="Names that the contract does not have, and values that say nothing, by app: for "
    "whoever repairs the producer. Numbers are estimated from a sample.",
    day="",
    sql="""
SELECT app_id, event_type, field, problem, events, last_seen,
       concat(example_topic, ':', toString(example_partition), ':', toString(example_offset))
         AS example
FROM v_dropped_fields WHERE {where} ORDER BY events DESC LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

_FLOODS = Panel(
    name="floods",
    title="Floods",
    sentence="Unreadable messages beyond the share an app may fill with dead letters; the "
    "topic has them.",
    sql="""
SELECT day, app_id, source_topic, reason, sum(messages) AS unreadable
FROM v_floods WHERE {where} GROUP BY day, app_id, source_topic, reason
ORDER BY day DESC, unreadable DESC LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

OPERATIONS_PAGE = Page(
    name="operations",
    title="Operations",
    question="Is anything late, set aside, or lost?",
    panels=(_DISPOSITIONS, _STAGES, _TABLES, _SET_ASIDE, _DROPPED, _FLOODS),
)
