"""What people do ask works: clauses, formats, and statements about tables."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from streams.store.base import QueryResult, Refused
from streams.store.reading import Document, Readable, ReadLimits, answer_to, rows_for
from streams.store.reading.functions import ALLOWED_FUNCTIONS
from streams.store.reading.statement import statement_of

LIMITS = ReadLimits(seconds=10)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "-- how many?\nSELECT count() FROM touches -- all\n;",
        "/* first */ SELECT 1 /* last */",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "FROM touches SELECT count()",
        "WITH recent AS (SELECT * FROM touches), 5 AS five SELECT count() + five FROM recent",
        "SELECT 'insert; drop $$ # “text” outfile settings = 1' AS `a name`",
        "SELECT app_id, sumIf(cost_micros, touch_type = 'click') FROM touches GROUP BY ALL",
        "SELECT uniqExactOrNullIf(event_id, 1), quantiles(0.5, 0.9)(cost_micros) FROM touches",
        "SELECT arrayMap(x -> x + 1, [1, 2]), CAST('1' AS Int8), now() - INTERVAL 1 DAY",
        "SELECT rank() OVER w FROM touches WINDOW w AS (PARTITION BY app_id ORDER BY event_time)",
        "SELECT a.event_id FROM touches AS a LEFT JOIN revenue AS b ON a.app_id = b.app_id",
        "SELECT event_id FROM touches WHERE app_id IN (SELECT app_id FROM revenue)",
        "SELECT * EXCEPT (event_id) FROM touches LIMIT 1 BY app_id LIMIT 2",
        "SELECT toDate('2026-01-01') + number FROM numbers(3) ORDER BY 1 WITH FILL",
        "SELECT * FROM values('x Int8', 1, 2)",
        "SELECT name, comment FROM system.columns WHERE table = 'touches'",
        "SELECT table_name FROM information_schema.tables LIMIT 1",
        "SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END, if(1, 2, 3), 1 IN (1, 2)",
        "SELECT format FROM (SELECT 1 AS format)",
        "SELECT 1 WHERE 'a' IN (SELECT app_id FROM touches)",
        "SELECT has(t.list, 1), 1 IN t.list FROM (SELECT [1, 2] AS list) AS t",
        "SELECT settings FROM (SELECT 1 AS settings) WHERE settings = 1",
        "SHOW TABLES",
        "SHOW TABLES LIKE 'v_%' LIMIT 2",
        "SHOW FULL COLUMNS FROM touches",
        "SHOW CREATE TABLE touches",
        "SHOW CREATE VIEW v_revenue",
        "SHOW DATABASES",
        "DESCRIBE v_revenue",
        "DESCRIBE TABLE touches",
        "DESC (SELECT 1 AS x)",
        "EXISTS TABLE touches",
        "EXPLAIN SELECT count() FROM touches",
        "EXPLAIN PLAN actions = 1 SELECT count() FROM touches",
        "EXPLAIN PIPELINE SELECT 1",
        "EXPLAIN SYNTAX SELECT 1",
        "EXPLAIN ESTIMATE SELECT count() FROM touches",
    ],
)
def test_a_question_is_answered(filled: Readable, sql: str) -> None:
    answer = answer_to(filled, sql, LIMITS)

    assert isinstance(answer, QueryResult)
    assert answer.names


def test_every_view_can_be_read(filled: Readable) -> None:
    views = rows_for(filled, "SHOW TABLES LIKE 'v\\_%'", LIMITS).rows
    assert len(views) > 20
    for (view,) in views:
        assert rows_for(filled, f"SELECT * FROM {view} LIMIT 1", LIMITS).names


def test_a_format_clause_gives_the_document(filled: Readable) -> None:
    text = answer_to(
        filled, "SELECT number AS n, 'a,b' AS t FROM numbers(2) FORMAT CSVWithNames;", LIMITS
    )
    assert isinstance(text, Document)
    assert list(csv.reader(io.StringIO(text.decode()))) == [["n", "t"], ["0", "a,b"], ["1", "a,b"]]

    lines = answer_to(filled, "SELECT 1 AS x\nformat JSONEachRow", LIMITS)
    assert isinstance(lines, Document)
    assert msgspec.json.decode(lines) == {"x": 1}

    table = answer_to(filled, "SHOW TABLES FORMAT PrettyCompact", LIMITS)
    assert isinstance(table, Document)
    assert "┌─name" in table.decode()

    parquet = answer_to(filled, "SELECT 1 AS x FORMAT Parquet", LIMITS)
    assert isinstance(parquet, Document)
    assert parquet.startswith(b"PAR1")


@pytest.mark.parametrize(
    "end",
    ["ORDER BY a DESC", "ORDER BY ALL", "GROUP BY ALL", "ORDER BY a, desc", "ORDER BY table",
     "ORDER BY show", "LIMIT 1", "ORDER BY a DESC LIMIT 1 WITH TIES", "HAVING exists"],
)  # fmt: skip
def test_a_format_clause_may_follow_what_also_begins_a_statement(
    filled: Readable, end: str
) -> None:
    sql = f"SELECT 1 AS a, 2 AS desc, 3 AS table, 4 AS show, 5 AS exists {end} FORMAT CSV"
    assert answer_to(filled, sql, LIMITS) == b"1,2,3,4,5\n"


def test_a_table_may_be_called_format(filled: Readable) -> None:
    for sql in ("DESCRIBE TABLE format x", "SELECT format a FROM (SELECT 1 AS format) UNION ALL"):
        assert statement_of(sql).output_format is None


def test_few_rows_may_be_asked_for_with_a_long_statement(filled: Readable) -> None:
    assert rows_for(filled, "SELECT 1, 2, 3", ReadLimits(rows=1)).rows == [(1, 2, 3)]


def test_whoever_asks_for_rows_gets_rows_whatever_the_format(filled: Readable) -> None:
    assert rows_for(filled, "SELECT 1 AS x FORMAT CSV", LIMITS) == QueryResult(("x",), [(1,)])


def test_an_unknown_format_is_one_line(filled: Readable) -> None:
    with pytest.raises(Refused, match="Nope") as refusal:
        answer_to(filled, "SELECT 1 FORMAT Nope", LIMITS)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("sql", "setting"),
    [
        ("SELECT count() FROM numbers(1000000000000)", "HEADWATER_QUERY_TIMEOUT"),
        ("SELECT groupArray(number) FROM numbers(100000000)", "HEADWATER_QUERY_MEMORY"),
        ("SELECT number FROM numbers(3000)", "HEADWATER_QUERY_ROWS"),
    ],
)
def test_a_limit_is_named_with_its_setting(filled: Readable, sql: str, setting: str) -> None:
    limits = ReadLimits(seconds=1, memory_bytes=100_000_000, rows=2_000)
    with pytest.raises(Refused, match=setting):
        answer_to(filled, sql, limits)
    # The next one begins anew, also after an answer that was cut off.
    assert rows_for(filled, "SELECT 1", limits).rows == [(1,)]


def test_a_query_that_fails_on_the_way_leaves_nothing_in_the_next_answer(filled: Readable) -> None:
    with pytest.raises(Refused, match="throwIf"):
        filled.query("SELECT number, throwIf(number = 3000000) FROM numbers(4000000)")
    assert filled.query("SELECT 1").rows == [(1,)]


def test_no_listed_function_reads_beyond_its_arguments(filled: Readable) -> None:
    """The list is names only: whoever adds one looks at its category here first."""
    found = filled.query(
        "SELECT lower(name), categories FROM system.functions WHERE categories IN"
        " ('Dictionary', 'Embedded Dictionary', 'AI', 'Introspection', 'Internal')"
        " OR name IN ('file', 'sleep', 'sleepEachRow', 'joinGet', 'hasColumnInTable',"
        " 'getSetting', 'getServerSetting', 'getMacro', 'showCertificate', 'fuzzQuery',"
        " 'getClientHTTPHeader', 'hostName', 'generateSerialID', 'structureToCapnProtoSchema')"
    ).rows
    assert len(found) > 70
    assert {name for name, _ in found} & ALLOWED_FUNCTIONS <= {"casewithexpression"}
