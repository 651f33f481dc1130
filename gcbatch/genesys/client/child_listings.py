"""Listings with parents: one for each of them, or a part of the parents themselves."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import msgspec

from gcbatch.concurrency import for_each
from gcbatch.errors import SHAPE_HINT, DataError, GcbatchError
from gcbatch.genesys import Documents, EntityKind, EntityListing
from gcbatch.genesys.client.client import Client
from gcbatch.genesys.client.listing import is_refused_with, list_entities
from gcbatch.text import one_line

__all__ = ["entities_within", "list_children", "without_expanded"]

SEPARATOR: Final = "/"
"""Between the id of a parent and that of its entity; no id of a parent has it."""

_PLAIN_ID: Final = re.compile(r"[\w-]{1,200}", re.ASCII)
"""An id that can be a part of an address; those of parents are UUIDs."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Identified(msgspec.Struct):
    id: str


_ID: Final = msgspec.json.Decoder(_Identified)


async def list_children(
    client: Client, kind: EntityKind, parents: Iterable[str], *, at_once: int
) -> EntityListing:
    """Read a listing for each parent.

    Args:
        client: Sends the requests; they count against the org's quota like all others.
        kind: What to list.
        parents: The ids of the parents.
        at_once: How many listings are read at the same time.

    Returns:
        The documents of the entities, by the ids of parent and entity. A parent that
        was deleted meanwhile has none; a remark says how many there are. If all were,
        that is a failure.

    Raises:
        GcbatchError: As list_entities does.
    """
    documents: dict[str, bytes] = {}
    failed: list[EntityListing] = []
    gone: list[EntityListing] = []
    ids = sorted(parents)
    if odd := [parent for parent in ids if not _PLAIN_ID.fullmatch(parent)]:
        msg = f"{kind.label}: an id of {kind.parent} is odd: {one_line(odd[0])}"
        failure = DataError(msg, hint="no address has such an id; ask the service")
        return EntityListing(kind, kind.paths[0], failure=failure)

    async def read(parent: str) -> None:
        if failed:
            return
        paths = tuple(path.format(parent=parent) for path in kind.paths)
        own_kind = replace(kind, paths=paths)
        found = await list_entities(client, own_kind, whole=True, confirm=True)
        if found.failure and is_refused_with(found.failure, HTTPStatus.NOT_FOUND):
            gone.append(found)
        elif found.lacking:
            failed.append(found)
        else:
            own = found.documents.items()
            documents.update({f"{parent}{SEPARATOR}{i}": d for i, d in own})

    await for_each(ids, read, at_once=at_once)
    if gone and len(gone) == len(ids):
        failed += gone  # the address does not exist, rather than all of its parents
    if failed:
        return replace(failed[0], kind=kind, documents={})
    remarks: tuple[str, ...] = ()
    if gone:
        were = f"{len(gone):,} of {len(ids):,} {kind.parent.replace('_', ' ')}"
        remarks = (f"{kind.label}: {were} were deleted meanwhile",)
    return EntityListing(kind, kind.paths[0], documents=documents, remarks=remarks)


def entities_within(kind: EntityKind, parents: EntityListing) -> EntityListing:
    """Return the entities that are a part of their parents.

    Args:
        kind: What to look for; kind.expand was requested with the parents.
        parents: The listing of the parents, with whole documents.

    Returns:
        The documents of the entities, by the ids of parent and entity. Where the
        service left the part out, a remark says for how many parents.
    """
    documents: dict[str, bytes] = {}
    left_out = 0
    failure: GcbatchError | None = None
    for parent, document in parents.documents.items():
        sent = _member(document, kind.member)
        if sent is None:
            left_out += 1
            continue
        try:
            for entity in _each(sent):
                identity = _ID.decode(entity).id
                documents[f"{parent}{SEPARATOR}{identity}"] = bytes(entity)
        except msgspec.DecodeError as exc:
            msg = f"GET {parents.path}: {kind.member} has another shape"
            failure = DataError(msg, hint=SHAPE_HINT)
            failure.__cause__ = exc
            break
    remarks: tuple[str, ...] = ()
    total = len(parents.documents)
    if kind.is_single:
        # It is left out where there is none, so that only this looks strange.
        if left_out == total > 0:
            of = f"{total:,} {parents.kind.label}"
            remarks = (
                f"{kind.label}: the service sent no {kind.expand} of any of {of}",
            )
    elif left_out == total > 0:
        msg = f"GET {parents.path}: the service left out {kind.expand}"
        failure = DataError(msg, hint="run it again; the service adds it if it can")
    elif left_out:
        of = f"{left_out:,} of {total:,} {parents.kind.label}"
        remarks = (f"{kind.label}: the service left out {kind.expand} of {of}",)
    return EntityListing(
        kind,
        parents.path,
        documents=documents,
        failure=failure,
        at=parents.at,
        remarks=remarks,
    )


def without_expanded(documents: Documents, kinds: Iterable[EntityKind]) -> Documents:
    """Return documents without the parts that are tables of their own."""
    parts = {kind.member.partition(".")[0] for kind in kinds}
    if not parts:
        return documents
    return {i: _without(document, parts) for i, document in documents.items()}


def _without(document: bytes, parts: set[str]) -> bytes:
    members = _MEMBERS.decode(document)
    return msgspec.json.encode({k: v for k, v in members.items() if k not in parts})


def _member(document: bytes, place: str) -> msgspec.Raw | None:
    """Return a member, by the names that lead to it; None if there is none, or null."""
    sent = msgspec.Raw(document)
    for name in place.split("."):
        try:
            found: Mapping[str, msgspec.Raw] = _MEMBERS.decode(sent)
        except msgspec.ValidationError:
            return None
        if name not in found:
            return None
        sent = found[name]
    return None if bytes(sent) == b"null" else sent


def _each(sent: msgspec.Raw) -> Iterator[msgspec.Raw]:
    """Yield the entities of a member: of a list, or the only one."""
    if bytes(sent).startswith(b"["):
        yield from _LIST.decode(sent)
    else:
        yield sent
