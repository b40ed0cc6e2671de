"""The job of Headwater as an idiomatic Faust application, to compare speeds with.

Written as Faust's documentation advises: an agent per topic, one event per iteration, tables
with changelogs, re-keying through topics, a codec at the edges. The decisions themselves come
from the same pure functions and the same River model, so only the way of running them differs.

Where there was a choice it is the faster one: tables in memory instead of RocksDB, at-least-once
instead of exactly-once, MessagePack inside, no ledger, no freshness, no model gates. Its outcomes
go to the same topics, so that the same storing process makes the same rows of them.
"""
