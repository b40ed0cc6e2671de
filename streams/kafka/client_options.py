"""The Kafka settings as aiokafka takes them."""

from __future__ import annotations

import ssl
from typing import Any

from streams.settings import KafkaSettings
from streams.settings.environment import SettingError


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Arguments that every aiokafka client takes: brokers, TLS, credentials.

    SettingError when a certificate or key cannot be read. `brokers` must be set.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.brokers,
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = _tls(kafka)
    if kafka.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.username
        options["sasl_plain_password"] = kafka.password.reveal() if kafka.password else None
    return options


def _tls(kafka: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(
            cafile=str(kafka.ca_certificate) if kafka.ca_certificate else None
        )
        if kafka.client_certificate and kafka.client_key:
            password = kafka.client_key_password
            context.load_cert_chain(
                kafka.client_certificate,
                kafka.client_key,
                password.reveal() if password else None,
            )
    except (OSError, ssl.SSLError) as error:
        raise SettingError(
            "HEADWATER_KAFKA_CA_CERTIFICATE, _CLIENT_CERTIFICATE, _CLIENT_KEY: "
            f"cannot be used: {error.strerror or error}"
        ) from error
    return context
