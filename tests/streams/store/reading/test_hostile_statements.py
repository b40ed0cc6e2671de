"""No statement of a person writes, reads a file, opens a connection or takes more than it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.store.base import Refused
from streams.store.reading import Readable, ReadLimits, answer_to, rows_for
from streams.store.tables import TABLES

LIMITS = ReadLimits(seconds=2, memory_bytes=200_000_000, rows=1_000)

WRITES = [
    "DROP TABLE touches",
    "TRUNCATE TABLE touches",
    "INSERT INTO freshness (stage) VALUES ('a')",
    "INSERT INTO freshness (stage) SELECT 'a'",
    "WITH z AS (SELECT 1) INSERT INTO freshness (stage) SELECT 'a'",
    "ALTER TABLE touches DELETE WHERE 1",
    "ALTER TABLE touches MODIFY TTL toDateTime(inserted_at) + INTERVAL 1 SECOND",
    "DELETE FROM touches WHERE 1",
    "UPDATE touches SET app_id = 'x' WHERE 1",
    "CREATE TABLE stolen ENGINE = Memory AS SELECT * FROM touches",
    "CREATE OR REPLACE VIEW v_revenue AS SELECT 1",
    "CREATE TEMPORARY TABLE t (x Int8)",
    "CREATE FUNCTION f AS x -> x",
    "CREATE DICTIONARY d (k UInt64) PRIMARY KEY k SOURCE(FILE(path '/etc/passwd' format 'TSV'))",
    "CREATE NAMED COLLECTION c AS a = 1",
    "CREATE USER u",
    "GRANT ALL ON *.* TO default",
    "RENAME TABLE touches TO touched",
    "EXCHANGE TABLES touches AND revenue",
    "DETACH TABLE touches PERMANENTLY",
    "ATTACH TABLE touches",
    "OPTIMIZE TABLE touches FINAL",
    "BACKUP TABLE touches TO File('x')",
    "SYSTEM STOP MERGES",
    "SYSTEM FLUSH LOGS",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "KILL MUTATION WHERE 1",
    "SET readonly = 0",
    "SET max_memory_usage = 0",
    "SET ROLE NONE",
    "USE system",
    "BEGIN TRANSACTION",
    "EXECUTE AS default SELECT 1",
    "EXPLAIN INSERT INTO freshness (stage) SELECT 'a'",
    "EXPLAIN SYNTAX DROP TABLE touches",
    "SELECT 1 PARALLEL WITH SELECT 2",
]
SEVERAL = [
    "SELECT 1; DROP TABLE touches",
    "SELECT 1;;; TRUNCATE TABLE touches",
    "/* SELECT */ DROP TABLE touches",
    "/* /* */ SELECT 1 */; DROP TABLE touches",
    "SELECT 1 -- ; nothing\n; DROP TABLE touches",
    "SELECT '\\'; DROP TABLE touches; --'; DROP TABLE touches",
    "SELECT `a\\`; DROP TABLE touches --`",
    "SELECT $x$ a $x$; DROP TABLE touches; SELECT $x$ b $x$",
    "SELECT $$'$$; DROP TABLE touches; SELECT $$'$$",
    "SELECT ‘a’; DROP TABLE touches",
    "SELECT “a”; DROP TABLE touches",
    "SELECT 1 # ; \n; DROP TABLE touches",
    "SELECT 1\0; DROP TABLE touches",
    "SELECT 'open; DROP TABLE touches",
    "EXPLAIN AST SELECT 1; DROP TABLE touches",
    "SELECT 1 FORMAT CSV; DROP TABLE touches",
]
FILES = [
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM `file`('/etc/passwd', 'LineAsString')",
    "SELECT * FROM fileCluster('default', '/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "WITH file('/etc/passwd') AS z SELECT z",
    "WITH z AS (SELECT file('/etc/passwd') AS x) SELECT x FROM z",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS p)",
    "SELECT * REPLACE (file(p) AS p) FROM (SELECT '/etc/passwd' AS p)",
    "SELECT sum(1) OVER (ORDER BY file('/etc/passwd'))",
    "SELECT 1 LIMIT length(file('/etc/passwd'))",
    "SELECT 1 AS x QUALIFY file('/etc/passwd') != ''",
    "SELECT 1 WHERE file('/etc/passwd') LIKE 'root%'",
    "SELECT * FROM (SELECT * FROM view(SELECT file('/etc/passwd')))",
    "SELECT 1 UNION ALL SELECT length(file('/etc/passwd'))",
    "SELECT (SELECT file('/etc/passwd'))",
    "DESCRIBE file('/etc/passwd')",
    "DESC TABLE file('/etc/passwd', 'LineAsString')",
    "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '{folder}/out'",
    "SELECT 1 INTO OUTFILE '{folder}/out' TRUNCATE FORMAT CSV",
    "SELECT 1 into outfile '{folder}/out' compression 'none'",
    "SHOW TABLES INTO OUTFILE '{folder}/out'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{folder}/out'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM filesystem('/etc')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM executable('id', 'TSV', 'x String')",
    "SELECT catboostEvaluate('/etc/passwd', 1)",
    "SELECT * FROM python('x')",
    "SELECT * FROM icebergLocal('/tmp')",
]
NETWORK = [
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM urlCluster('default', 'http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM clusterAllReplicas('default', system.one)",
    "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM gcs('http://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM azureBlobStorage('x', 'y', 'z')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'x Int8')",
    "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
    "SELECT * FROM odbc('DSN=x', 'd', 't')",
    "SELECT * FROM jdbc('x', 'd', 't')",
    "SELECT * FROM deltaLake('http://127.0.0.1:1/x')",
    "SELECT hasColumnInTable('127.0.0.1', 'u', 'p', 'd', 't', 'c')",
    "SELECT aiGenerate('x', 'y')",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'd', 't', 'u', 'p') COLUMNS (x Int8)",
]
SECRETS = [
    "SELECT * FROM system.named_collections",
    "SELECT * FROM system.users",
    "SELECT * FROM system.settings",
    "SELECT * FROM system.server_settings",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.query_log",
    "SELECT * FROM `system`.`users`",
    "SELECT * FROM merge('system', 'users')",
    "SELECT 1 FROM touches, system.users",
    "SELECT 'x' IN system.users",
    "SELECT 'x' IN system.users FROM (SELECT 1) AS system",
    "SELECT 'x' IN another.table_of_it",
    "SELECT 1 WHERE 'default' NOT IN (SELECT name FROM system.users)",
    "SHOW CREATE TABLE system.users",
    "SHOW CREATE USER default",
    "SHOW GRANTS",
    "SHOW PROCESSLIST",
    "SHOW ACCESS",
    "DESCRIBE system.users",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT * FROM dictionary('d')",
    "SELECT joinGet('t', 'c', 1)",
    "SELECT getSetting('max_threads'), getMacro('x')",
    "SELECT getServerSetting('x')",
    "SELECT hostName(), FQDN()",
]
EXCESSES = [
    "SELECT count() FROM numbers(1000000000000)",
    "SELECT groupArray(number) FROM numbers(100000000) FORMAT Null",
    "SELECT number FROM numbers(100000)",
    "SELECT repeat('a', 1000000) FROM numbers(1000) FORMAT TSV",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM numbers(10)",
    "SELECT 1 SETTINGS max_execution_time = 0, max_memory_usage = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 FORMAT CSV SETTINGS max_result_rows = 0",
    "SELECT 1 SETTINGS select = 'file(1)'",
    "SELECT 1 SETTINGS `limit` = 5",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "SELECT '" + "a" * 300_000 + "'",
    "",
    ";",
    "-- nothing",
]
HOSTILE = [*WRITES, *SEVERAL, *FILES, *NETWORK, *SECRETS, *EXCESSES]


@pytest.mark.parametrize("sql", HOSTILE, ids=lambda sql: sql[:60])
def test_a_hostile_statement_is_refused_in_one_line_and_nothing_has_happened(
    filled: Readable, tmp_path: Path, sql: str
) -> None:
    with pytest.raises(Refused) as refusal:
        answer_to(filled, sql.replace("{folder}", str(tmp_path)), LIMITS)

    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sql", HOSTILE, ids=lambda sql: sql[:60])
def test_asking_for_rows_is_no_way_around(filled: Readable, tmp_path: Path, sql: str) -> None:
    with pytest.raises(Refused):
        rows_for(filled, sql.replace("{folder}", str(tmp_path)), LIMITS)
    assert list(tmp_path.iterdir()) == []


def test_after_all_of_them_every_table_has_its_row(filled: Readable) -> None:
    for sql in HOSTILE[: len(WRITES) + len(SEVERAL)]:
        with pytest.raises(Refused):
            answer_to(filled, sql, LIMITS)
    for table in TABLES:
        assert filled.query(f"SELECT count() FROM {table}").rows == [(1,)], table


LET_THROUGH = (
    "KILL", "USE", "SET ROLE", "EXPLAIN", "BEGIN", "SELECT", "EXECUTE", "SYSTEM STOP",
)  # fmt: skip


@pytest.mark.parametrize(
    "sql", [sql for sql in WRITES if not sql.startswith(LET_THROUGH)], ids=lambda sql: sql[:60]
)
def test_the_session_alone_refuses_what_writes(filled: Readable, sql: str) -> None:
    """The net below the lists, save for what the engine lets through even so."""
    with pytest.raises(Refused):
        filled.render(sql, "TSV", LIMITS)
    assert filled.query("SELECT count() FROM touches").rows == [(1,)]
