"""Reads the records of lists that documents keep as JSON.

Lists as the model says are read by a decoder that is made of it. All others are read
field by field: a value that does not fit its column, a field that the model does not
have, and an item that is no record go to `extra` as they were sent.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
import orjson

from gcbatch.genesys import FieldKind, MisfitError, Model, loaded, value_of
from gcbatch.text import replace_lone_surrogates

__all__ = ["JsonRecords", "Record"]

Record = tuple[Any, ...]
"""The values of a record's fields, in the order of its model, and `extra`; None for
what is null or missing."""

_INT64: Final = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

_TYPES: Final[dict[FieldKind, Any]] = {
    FieldKind.TEXT: str,
    FieldKind.TIME: str,
    FieldKind.FLAG: bool,
    FieldKind.WHOLE: _INT64,
    FieldKind.NUMBER: float,
    FieldKind.TEXTS: list[str],
}
"""What the decoder of a model reads; times are made of the texts."""

_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class JsonRecords:
    """Reads lists of records of one model.

    Args:
        model: The model of the records; none of its fields holds records.
    """

    def __init__(self, model: Model) -> None:
        self._fields = model.fields
        self._known = set(model.by_name)
        self._times = [
            at for at, f in enumerate(model.fields) if f.holds is FieldKind.TIME
        ]
        record = msgspec.defstruct(
            "record",
            [
                (f"f{at}", _TYPES[field.holds] | None, None)
                for at, field in enumerate(model.fields)
            ],
            rename={f"f{at}": field.name for at, field in enumerate(model.fields)},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(
            list[record | None]  # type: ignore[valid-type] # made here
        )

    def read(self, text: str) -> list[Record]:
        """Return the records of a list, in order; an item that is null is none.

        An object in place of a list is its only record; any other value is a record
        whose `extra` has it.

        Args:
            text: JSON, as it was sent.

        Raises:
            msgspec.DecodeError: If it is no JSON.
            RecursionError: If it is nested too deeply.
        """
        try:
            return [
                self._exact(record)
                for record in self._decoder.decode(text)
                if record is not None
            ]
        except (msgspec.DecodeError, MisfitError):
            return list(self._leniently(replace_lone_surrogates(text)))

    def _exact(self, record: Any) -> Record:
        values = [*msgspec.structs.astuple(record), None]
        for at in self._times:
            values[at] = value_of(values[at], FieldKind.TIME)
        return tuple(values)

    def _leniently(self, text: str) -> Iterator[Record]:
        try:
            items = _ITEMS.decode(text)
        except msgspec.ValidationError:
            items = [msgspec.Raw(text.encode())]
        for item in items:
            sent = bytes(item).decode()
            if sent != "null":
                yield self._record(sent)

    def _record(self, sent: str) -> Record:
        try:
            members = {n: bytes(v).decode() for n, v in _MEMBERS.decode(sent).items()}
        except msgspec.ValidationError:
            return (*(None for _ in self._fields), sent)
        extra = {name: members[name] for name in members if name not in self._known}
        values = []
        for field in self._fields:
            value = None
            try:
                value = value_of(loaded(members.get(field.name, "null")), field.holds)
            except (MisfitError, ValueError, RecursionError):
                extra[field.name] = members[field.name]
            values.append(value)
        written = ",".join(
            f"{orjson.dumps(name).decode()}:{extra[name]}" for name in sorted(extra)
        )
        return (*values, f"{{{written}}}" if extra else None)
