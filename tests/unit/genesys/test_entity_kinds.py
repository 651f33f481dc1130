"""The rows of facts about listed entities: each is sound by itself."""

import re

import pytest

from gcbatch.genesys import ENTITY_KINDS, NAMED_KINDS, EntityKind, Paging, entity_kind
from gcbatch.tables.entity_table import EntityTable

KINDS = {kind.table: kind for kind in ENTITY_KINDS}

# PostgreSQL 18 (table C.1), Snowflake and BigQuery, then what SQLite and DuckDB keep.
_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case
cast check collate collation column concurrently constraint create cross
current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except
false fetch for foreign freeze from full grant group having ilike in initially inner
intersect into is isnull join lateral leading left like limit localtime localtimestamp
natural not notnull null offset on only or order outer overlaps placing primary
references returning right select session_user similar some symmetric system_user
table tablesample then to trailing true union unique user using variadic verbose when
where window with account alter between by connect connection current database delete
drop exists following gscluster increment insert issue minus of organization qualify
regexp revoke rlike row rows sample schema set start trigger try_cast update values
view whenever assert_rows_modified at contains cube define enum escape exclude extract
groups grouping hash if ignore interval lookup merge new no nulls over partition
preceding proto range recursive respect rollup struct treat unbounded unnest within
abort add autoincrement begin commit transaction pivot unpivot summarize describe show
"""
RESERVED = frozenset(_WORDS.split())
"""Words that a database reads as something else, if they are not quoted."""

PERMISSION = re.compile(r"[A-Za-z]+:[A-Za-z]+:[A-Za-z]+")


def test_tables_and_dimensions_are_not_shared() -> None:
    """A table has one row of facts, and a dimension one listing with names."""
    dimensions = [kind.dimension for kind in NAMED_KINDS]

    assert len(KINDS) == len(ENTITY_KINDS)
    assert len(set(dimensions)) == len(dimensions)


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=list(KINDS))
def test_columns_have_plain_names(kind: EntityKind) -> None:
    """No two are alike, and no database needs quotes for them."""
    names = EntityTable(kind).schema.names

    assert len({name.casefold() for name in names}) == len(names)
    assert not RESERVED.intersection(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=list(KINDS))
def test_keys_are_never_null(kind: EntityKind) -> None:
    """They are columns of the table: the id, after that of the parent."""
    table = EntityTable(kind)

    fields = [table.schema.field(name) for name in table.key]
    assert not any(field.nullable for field in fields)
    assert len(fields) == (2 if kind.parent else 1)


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=list(KINDS))
def test_addresses_fit_the_parent(kind: EntityKind) -> None:
    """One with a parent has its place in the address; a part of a parent has none."""
    within = ["{parent}" in path for path in kind.paths]
    of_parent = entity_kind(kind.parent) if kind.parent else None

    assert bool(kind.paths) is not bool(kind.expand)
    assert within == [of_parent is not None] * len(kind.paths)
    assert of_parent is None or (of_parent.paths and not of_parent.parent)
    assert not kind.expand or (of_parent and kind.member)
    assert all(path.startswith("/api/v2/") for path in kind.paths)


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=list(KINDS))
def test_permissions_have_three_words(kind: EntityKind) -> None:
    """As roles have them, `domain:entity:action`; each once."""
    named = [*kind.permissions]
    if kind.deleted:
        named.append(kind.deleted.permission)

    assert all(PERMISSION.fullmatch(permission) for permission in named)
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("kind", ENTITY_KINDS, ids=list(KINDS))
def test_parameters_do_not_clash(kind: EntityKind) -> None:
    """Slices differ, and none sets what pages or whole entities set."""
    of_slices = {name for part in kind.slices for name in part}
    own = {kind.size_key, "pageNumber", "after", *kind.more}

    assert len({tuple(sorted(part.items())) for part in kind.slices}) == len(
        kind.slices
    )
    assert not of_slices & own
    assert 0 < kind.page_size <= 200
    assert kind.member == "entities" or kind.paging is Paging.WHOLE or kind.expand
