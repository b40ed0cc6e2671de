"""Settings are read once, refuse what is wrong in one line, and never show a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topics import ALL as ALL_TOPICS
from streams.cli.settings import documented, settings_table
from streams.settings import Secret, Settings, read_settings, shown_url
from streams.settings.declaration import PREFIX, Declaration, declarations
from streams.settings.environment import SettingError
from streams.settings.values import KafkaName


def test_without_variables_everything_has_its_documented_default() -> None:
    settings = read_settings({})
    assert settings == Settings()
    assert settings.kafka.partitions == 4
    assert settings.folders.store == Path(".headwater/chdb")
    assert settings.rules.late_ms == 7 * 86_400_000


def test_values_are_read_with_their_types() -> None:
    settings = read_settings(
        {
            "HEADWATER_KAFKA": "one:9092, two:9092",
            "HEADWATER_PARTITIONS": "12",
            "HEADWATER_DECISION_WAIT": "90m",
            "HEADWATER_DEAD_LETTER_SHARE": "0.5",
            "HEADWATER_EARLIEST_EVENT_TIME": "2020-01-01",
            "HEADWATER_DATA": "/somewhere",
            "PATH": "of no interest",
        }
    )
    assert settings.kafka.brokers == "one:9092,two:9092"
    assert settings.kafka.partitions == 12
    assert settings.rules.decision_wait_ms == 90 * 60_000
    assert settings.rules.dead_letter_share == 0.5
    assert settings.rules.earliest_event_time == 1_577_836_800_000
    assert settings.folders.state == Path("/somewhere/state")


def test_an_empty_value_is_the_same_as_none() -> None:
    assert read_settings({"HEADWATER_KAFKA": "", "HEADWATER_PARTITIONS": ""}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("HEADWATER_PARTITIONS", "four", "is not a whole number from 1 to 1024"),
        ("HEADWATER_PARTITIONS", "0", "is not a whole number from 1 to 1024"),
        ("HEADWATER_KAFKA", "broker", "is not host:port"),
        ("HEADWATER_KAFKA", "kafka://broker:9092", "is not host:port"),
        ("HEADWATER_LATENESS", "7", "is not a duration"),
        ("HEADWATER_LATENESS", "91d", "is not a duration from 0ms to 90d"),
        ("HEADWATER_EARLIEST_EVENT_TIME", "1.1.2010", "is not a date"),
        ("HEADWATER_DEAD_LETTER_SHARE", "20%", "is not a number from 0 to 1"),
        ("HEADWATER_DEAD_LETTER_SHARE", "nan", "is not a number from 0 to 1"),
        ("HEADWATER_LOG_LEVEL", "loud", "is not one of debug, info, warning, error"),
        ("HEADWATER_CLICKHOUSE", "http://host:8123", "is not an address such as"),
        ("HEADWATER_KAFKA_SECURITY", "SASL_SSL", "set HEADWATER_KAFKA_USERNAME"),
        ("HEADWATER_PSEUDONYM_SECRET", " \n", "is only white space"),
        ("HEADWATER_PSEUDONYM_SECRET", "caf\udce9", "is not text in UTF-8"),
        ("HEADWATER_DATA", "/srv/caf\udce9", "is not text in UTF-8"),
        ("HEADWATER_TOPIC_PREFIX", '"staging."', "letters a-z, digits, dots"),
        ("HEADWATER_TOPIC_PREFIX", "\ufeffstaging.", "letters a-z, digits, dots"),
        ("HEADWATER_TOPIC_PREFIX", "staging/", "letters a-z, digits, dots"),
        ("HEADWATER_TOPIC_PREFIX", "x" * 201, "up to 200"),
        ("HEADWATER_GROUP_INSTANCE_ID", "core 0", "letters a-z, digits, dots"),
        ("HEADWATER_PARTITIONS", "8", "the embedded broker has 4 partitions"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_variable_and_remedy(
    variable: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingError) as stop:
        read_settings({variable: value})
    assert variable in str(stop.value)
    assert expected in str(stop.value)
    assert "\n" not in str(stop.value)


def test_spaces_and_line_ends_around_a_value_mean_nothing_but_in_a_secret() -> None:
    settings = read_settings(
        {
            "HEADWATER_KAFKA": " broker:9092\r\n",
            "HEADWATER_TOPIC_PREFIX": "staging. ",
            "HEADWATER_KAFKA_SECURITY": "ssl\n",
            "HEADWATER_RULES": " ",
            "HEADWATER_PSEUDONYM_SECRET": "as it always was\n",
        }
    )
    assert settings.kafka.brokers == "broker:9092"
    assert settings.kafka.topic_prefix == "staging."
    assert settings.kafka.security_protocol == "SSL"
    assert settings.rules.attribution is None
    assert settings.privacy.pseudonym_secret == Secret("as it always was\n")


def test_the_longest_prefix_leaves_room_for_every_topic_of_every_generation() -> None:
    longest = max(len(topic.name) for topic in ALL_TOPICS)
    assert KafkaName.LENGTH_MAX + len("g999-") + longest <= 249


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"\xef\xbb\xbfsecret", "byte order mark"),
        (b"user\nsecret\n", "second line"),
        (b"secret\0", "control character"),
        (b"\xff\xfes\0", "not text"),
    ],
)
def test_a_file_without_a_secret_alone_is_refused_rather_than_taken_for_none(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SettingError, match=expected) as stop:
        read_settings({"HEADWATER_PSEUDONYM_SECRET_FILE": str(file)})
    assert "HEADWATER_PSEUDONYM_SECRET_FILE" in str(stop.value)


def test_several_lines_are_well_in_a_file_of_an_object(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text('{\n  "meadow": "s3cret"\n}\n')
    settings = read_settings({"HEADWATER_SIGNATURE_SECRETS_FILE": str(file)})
    assert settings.rules.signature_secrets == {"meadow": Secret("s3cret")}


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(SettingError, match=r"HEADWATER_KAFA: .* did you mean HEADWATER_KAFKA"):
        read_settings({"HEADWATER_KAFA": "broker:9092"})


def test_variables_that_kubernetes_adds_for_services_are_no_typos() -> None:
    added = {
        "HEADWATER_CORE_SERVICE_HOST": "10.0.0.1",
        "HEADWATER_CORE_SERVICE_PORT_METRICS": "6066",
        "HEADWATER_CORE_PORT": "tcp://10.0.0.1:6066",
        "HEADWATER_CORE_PORT_6066_TCP_ADDR": "10.0.0.1",
    }
    assert read_settings(added) == Settings()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("HEADWATER_METRIC_PORT", "HEADWATER_METRICS_PORT"),
        ("HEADWATER_BORD_PORT", "HEADWATER_BOARD_PORT"),
        ("HEADWATER_STORES_PORT", "HEADWATER_STORE_PORT"),
    ],
)
def test_a_misspelt_port_is_not_taken_for_a_service_of_kubernetes(typed: str, meant: str) -> None:
    with pytest.raises(SettingError, match=f"{typed}: .* did you mean {meant}"):
        read_settings({typed: "7000"})


def test_a_service_named_like_a_setting_is_recognised() -> None:
    with pytest.raises(SettingError, match="enableServiceLinks: false"):
        read_settings({"HEADWATER_METRICS_PORT": "tcp://10.0.0.1:6066"})


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    password = read_settings({"HEADWATER_KAFKA_PASSWORD_FILE": str(file)}).kafka.password
    assert password is not None
    assert password.reveal() == "hunter2"


def test_a_secret_given_twice_or_in_a_missing_file_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(SettingError, match="cannot read"):
        read_settings({"HEADWATER_PSEUDONYM_SECRET_FILE": missing})
    with pytest.raises(SettingError, match="unset one of them"):
        read_settings(
            {"HEADWATER_PSEUDONYM_SECRET_FILE": missing, "HEADWATER_PSEUDONYM_SECRET": "x"}
        )


def test_only_secrets_may_come_from_files() -> None:
    with pytest.raises(SettingError, match="HEADWATER_PARTITIONS_FILE"):
        read_settings({"HEADWATER_PARTITIONS_FILE": "/run/partitions"})


def test_no_repr_and_no_error_shows_a_secret() -> None:
    settings = read_settings(
        {
            "HEADWATER_KAFKA_PASSWORD": "hunter2",
            "HEADWATER_CLICKHOUSE": "clickhouse://me:hunter2@host:9000/db",
            "HEADWATER_PSEUDONYM_SECRET": "hunter2",
        }
    )
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in f"{settings.kafka.password}"
    assert settings.store.url is not None
    assert shown_url(settings.store.url) == "clickhouse://me@host:9000/db"
    with pytest.raises(SettingError) as stop:
        read_settings({"HEADWATER_CLICKHOUSE": "clickhouse//me:hunter2@host"})
    assert "hunter2" not in str(stop.value)


def test_the_table_shows_every_setting_and_its_default_can_be_set() -> None:
    table = settings_table()
    for declaration in documented():
        assert f"`{declaration.variable}`" in table
        if declaration.default is not None and not declaration.is_secret:
            assert declaration.parse(declaration.default_text) == declaration.default


def test_settings_that_headwater_sets_for_its_children_are_not_documented() -> None:
    assert "HEADWATER_KAFKA_IN_PROCESS" not in settings_table()


@pytest.mark.parametrize("declaration", list(declarations(Settings)), ids=lambda it: it.variable)
def test_every_setting_has_a_sentence_and_an_example_that_it_accepts(
    declaration: Declaration,
) -> None:
    assert declaration.variable.startswith(PREFIX)
    assert declaration.meta.description
    assert declaration.meta.description.endswith(".")
    (example,) = declaration.meta.examples or []
    if example.startswith(f"{declaration.variable}_FILE="):
        assert declaration.is_secret
    else:
        assert declaration.parse(example) != declaration.default


def test_a_worker_with_a_stable_name_keeps_its_partitions_through_a_restart_of_its_pod() -> None:
    """A stop may take HEADWATER_STOP_TIMEOUT, and the new process has to start."""
    named = {"HEADWATER_GROUP_INSTANCE_ID": "headwater-core-0"}
    settings = read_settings(named)
    assert settings.kafka.session_ms >= settings.worker.stop_timeout_ms + 20_000
    assert read_settings({}).kafka.session_ms == 10_000
    assert read_settings({**named, "HEADWATER_SESSION_TIMEOUT": "20s"}).kafka.session_ms == 20_000
