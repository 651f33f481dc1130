"""One kind of entities that an org lists: where, page by page, and its columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final, Literal, NamedTuple, get_args

from gcbatch.genesys.limits import LISTING_PAGE
from gcbatch.genesys.metrics import snake

__all__ = ["Deleted", "EntityField", "EntityKind", "FieldType", "Paging"]

FieldType = Literal["text", "flag", "whole", "number", "percent", "instant", "json"]
"""What a field holds; a percent is sent as a share, 0.8 for 80 %. JSON is shown as it
was sent."""

_FIELD_TYPES: Final = get_args(FieldType)


class Paging(Enum):
    """How a listing is divided into pages."""

    NUMBERED = "numbered"
    """Pages have numbers, and mostly say how many there are."""

    CURSOR = "cursor"
    """Each page leads to the next one, and nothing says how many there are."""

    WHOLE = "whole"
    """There is one page; should it lead to another one, that is read too."""


class EntityField(NamedTuple):
    """A column, and the field of an entity that it shows.

    Args:
        name: The name of the column.
        path: From the entity to the field.
        type: What the field holds.
    """

    name: str
    path: tuple[str, ...]
    type: FieldType


class Deleted(NamedTuple):
    """Where the deleted entities of a kind are listed.

    Args:
        path: The address; its pages are those of the kind.
        permission: What it takes.
        parameters: Of the request.
    """

    path: str
    permission: str
    parameters: Mapping[str, str] = {}


@dataclass(frozen=True)
class EntityKind:
    """One kind of entities: facts about where they are listed, and their columns.

    Args:
        table: The table with a row for each.
        noun: What one is called. Its columns are `<noun>_id` and `<noun>_name`.
        paths: Addresses to try, the one with most fields first; the next one if the
            permission for it is missing. `{parent}` stands for the id of a parent.
        label: Their name in messages. Default: the table's, in words.
        permissions: The first address takes one of them; empty if it takes none.
        paging: How pages are numbered.
        page_size: Entities of a page.
        size_key: The parameter of the page's size.
        slices: Sets of parameters; each set lists a part of the entities, all sets
            together list everything.
        more: Parameters to add if whole entities are needed and not just names.
        deleted: Where the deleted ones are listed, if not among the others.
        member: The member of a page with the entities: a list, or an object of entities
            by id. Empty if the page is the entity.
        parent: The table of the parents: their entities are listed parent by parent.
        expand: If it is set, the entities have no address: they are a part of their
            parents, which the service adds on request. *member* is its place.
        is_single: Whether *member* is one entity, left out where there is none.
        names: The fields with the name, the first of which that is sent counts. Empty
            if there is none.
        columns: The other columns, each as `field`, `field:type` or
            `column=field:type`. A field within an object is `object.field`. Types are
            those of FieldType, `named` for an object with id and name, and `id` for
            an object with an id alone. Default: `text`.
        dimension: The dimension whose values are their ids. Default: `<noun>Id`.
        volatile: Members that change while the entity stays the same, such as the
            last login: where only they differ, there is no new version of it.
        names_ids: Whether other tables show their names beside their ids. If so, jobs
            whose rows have such ids list them; if not, only jobs that export *table*.
    """

    table: str
    noun: str
    paths: tuple[str, ...] = ()
    label: str = ""
    permissions: tuple[str, ...] = ()
    paging: Paging = Paging.NUMBERED
    page_size: int = LISTING_PAGE
    size_key: str = "pageSize"
    slices: tuple[Mapping[str, str], ...] = ({},)
    more: Mapping[str, str] = field(default_factory=dict)
    deleted: Deleted | None = None
    member: str = "entities"
    parent: str = ""
    expand: str = ""
    is_single: bool = False
    names: tuple[str, ...] = ("name",)
    columns: str = ""
    dimension: str = ""
    volatile: tuple[str, ...] = ()
    names_ids: bool = False

    def __post_init__(self) -> None:
        """Fill in what follows from the table and the noun."""
        if not self.label:
            object.__setattr__(self, "label", self.table.replace("_", " "))
        if not self.dimension:
            first, *others = self.noun.split("_")
            words = "".join((first, *map(str.title, others)))
            object.__setattr__(self, "dimension", f"{words}Id")

    @property
    def id_column(self) -> str:
        """The column of the ids."""
        return f"{self.noun}_id"

    @property
    def name_column(self) -> str:
        """The column of the names; empty if there is none."""
        return f"{self.noun}_name" if self.names else ""

    @property
    def keeps_names(self) -> bool:
        """Whether the names of ids that are no longer listed are kept."""
        return self.names_ids or self.deleted is not None

    @property
    def listing(self) -> str:
        """What says when it was listed: the dimension, or the table without names."""
        return self.dimension if self.keeps_names else self.table

    @cached_property
    def fields(self) -> tuple[EntityField, ...]:
        """The columns beside ids and names, in their order.

        Raises:
            ValueError: If *columns* has an unknown type.
        """
        return tuple(f for text in self.columns.split() for f in _fields_of(text))


def _fields_of(text: str) -> Iterator[EntityField]:
    """Yield the columns that one word of EntityKind.columns stands for."""
    column, _, sent = text.rpartition("=")
    place, _, kind = sent.partition(":")
    path = tuple(place.split("."))
    column = column or snake("_".join(path))
    if kind in ("id", "named"):
        yield EntityField(f"{column}_id", (*path, "id"), "text")
        if kind == "named":
            yield EntityField(f"{column}_name", (*path, "name"), "text")
        return
    for known in _FIELD_TYPES:
        if known == (kind or "text"):
            yield EntityField(column, path, known)
            return
    msg = f"{text}: there is no type {kind}"
    raise ValueError(msg)
