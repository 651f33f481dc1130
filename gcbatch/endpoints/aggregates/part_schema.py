"""The columns of a part of aggregates."""

from collections.abc import Iterable

import pyarrow as pa

from gcbatch.genesys import Family, column_name, kind_of, snake
from gcbatch.job import QuerySection
from gcbatch.table import INSTANT

__all__ = ["schema_of"]


def schema_of(section: QuerySection, family: Family) -> pa.Schema:
    """Return the columns of a part: interval, groups, qualifier, statistics.

    Fields carry their unit and the metric they come from as metadata.
    """
    key = [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("interval_end", INSTANT, nullable=False),
    ]
    key += [
        pa.field(snake(d), pa.string(), metadata={"source": f"group.{d}"})
        for d in section.group_by
    ]
    if family.qualified:
        key.append(pa.field("qualifier", pa.string()))
    return pa.schema([*key, *_statistic_fields(section)])


def _statistic_fields(section: QuerySection) -> Iterable[pa.Field]:
    named = [(m, kind_of(m), m) for m in section.metrics]
    named += [
        (v.name, kind_of(v.target), f"{v.target} from {v.range.gte} to {v.range.lt}")
        for v in section.views
    ]
    for name, kind, source in named:
        for statistic in kind.statistics:
            yield pa.field(
                column_name(name, statistic),
                pa.type_for_alias(statistic.type),
                metadata={
                    "source": f"{source}.{statistic.key}",
                    "unit": statistic.unit,
                },
            )
