"""How one kind of model or state is stored: a declared schema and body inside the envelope.

Every room that stores something declares a `Layout` for it: hazard, value and credit models, the
learners of all three, shrunk rates, drift and quality monitors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import msgpack

from online_models.persistence.envelope import Sealed, Unusable, seal, unseal

Body = TypeVar("Body")

_encoder = msgpack.Encoder()


class Opened(NamedTuple, Generic[Body]):
    """A body that was read back, and the checksum it was stored with."""

    body: Body
    checksum: bytes


@dataclass(frozen=True, slots=True)
class Layout(Generic[Body]):
    """One kind of stored content.

    `schema` names the kind and its layout version, such as `hazard/model/1`; change it whenever
    `body` changes. `kind` names the content in errors, such as `a hazard model`.
    """

    schema: str
    body: type[Body]
    kind: str
    _decoder: msgpack.Decoder[Body] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_decoder", msgpack.Decoder(self.body))

    def dump(self, body: Body) -> Sealed:
        """The body as bytes in its envelope."""
        return seal(self.schema, _encoder.encode(body))

    def load(self, content: bytes) -> Opened[Body] | Unusable:
        """The body in `content`. The caller still has to check what its numbers mean."""
        opened = unseal(self.schema, content)
        if isinstance(opened, Unusable):
            return opened
        try:
            return Opened(self._decoder.decode(opened.body), opened.checksum)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Unusable(f"body is not {self.kind}: {error}")
