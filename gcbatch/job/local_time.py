"""The key `local_time:` of a job file: columns of local times."""

from typing import Annotated

from pydantic import Discriminator, StrictBool, Tag

from gcbatch.job.time_types import TimeZone

__all__ = ["LocalTime"]


def _switch_or_zone(value: object) -> str:
    return "zone" if isinstance(value, str) else "switch"


LocalTime = Annotated[
    Annotated[StrictBool, Tag("switch")] | Annotated[TimeZone, Tag("zone")],
    Discriminator(_switch_or_zone),
]
"""The type of the key: whether there are such columns, or their time zone."""
