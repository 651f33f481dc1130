"""The names by which SQL reads the tables of a job."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from gcbatch.job.sla import PERIODS
from gcbatch.local_time import LOCAL

__all__ = ["Relation", "relation_named", "relation_names"]

_SLA: Final = {f"sla_{period}": period for period in PERIODS}


class Relation(NamedTuple):
    """What a name in SQL means.

    Args:
        table: A table of the job.
        period: The period of the table `sla`; None is the job's.
        is_local: Whether it has local times beside its instants.
    """

    table: str
    period: str | None = None
    is_local: bool = False


def relation_named(name: str) -> Relation:
    """Return what a name in SQL means, if it is one of relation_names."""
    plain = name.removesuffix(LOCAL)
    period = _SLA.get(plain)
    return Relation("sla" if period else plain, period, plain != name)


def relation_names(tables: Iterable[str]) -> Iterator[str]:
    """Yield the names by which SQL reads some tables."""
    for table in tables:
        for name in (table, *(_SLA if table == "sla" else ())):
            yield name
            yield f"{name}{LOCAL}"
