"""The section `listings:`: what the store keeps of tables of entities."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from gcbatch.job.section import Duration, Section, Unique
from gcbatch.windows import Period

__all__ = ["Listings"]


def _all_or_named(value: object) -> str:
    return "named" if isinstance(value, (list, tuple)) else "all"


class Listings(Section):
    """The `listings:` section: what is kept of listed tables.

    Args:
        history: Tables that become tables of versions, or `true` for all that the
            exports name: rows have `valid_from` and `valid_to`, and each run that lists
            them notes what changed. Default: none.
        keep: Versions that ended longer ago are dropped, and with them what they say of
            people.
    """

    history: (
        Annotated[
            Annotated[Literal[True], Tag("all")]
            | Annotated[tuple[str, ...], Field(min_length=1), Unique, Tag("named")],
            Discriminator(_all_or_named),
        ]
        | None
    ) = None
    keep: Duration = Period.parse("P10Y")
