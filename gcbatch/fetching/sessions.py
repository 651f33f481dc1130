"""Sessions with the orgs of all jobs: one client, token and quota per org."""

from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gcbatch.atomic_files import read_bounded_text
from gcbatch.errors import AccessError, JobError
from gcbatch.genesys import (
    NAMED_KINDS,
    EntityKind,
    EntityListing,
    Hosts,
    entity_kind,
)
from gcbatch.job import Job, Org, SecretFile

if TYPE_CHECKING:
    from gcbatch.genesys.client import Client, ClientConfig, DecodeGate, OrgClient

__all__ = ["OrgSession", "OrgSessions", "client_key", "store_identity"]

MAX_SECRET_BYTES = 4096

Key = tuple[str, ...]


def store_identity(org: Org) -> str:
    """Return the name of the org's data in the store; it contains no secret."""
    if org.simulator:
        from gcbatch.simulator import VERSION

        return f"simulator {VERSION}"
    hosts = org.hosts
    return org.name or f"{hosts.login if hosts else ''} {org.client_id}"


@dataclass
class OrgSession:
    """An open org: its client, and the entities that it listed.

    Args:
        org_client: Its client, quota and token.
        client_config: The configuration of that client.
        tables: Those of the org's entities that jobs export, such as `users`.
    """

    org_client: "OrgClient"
    client_config: "ClientConfig"
    tables: frozenset[str] = frozenset()
    _listed: dict[str, EntityListing] = field(default_factory=dict)
    _waited_for: set[str] = field(default_factory=set)

    @property
    def client(self) -> "Client":
        """The client that sends the org's requests."""
        return self.org_client.client

    async def list_all(
        self, dimensions: Collection[str], *, needed: Collection[str] = ()
    ) -> list[EntityListing]:
        """List the entities of *dimensions*, each kind once for all jobs.

        Args:
            dimensions: Dimensions whose ids need names.
            needed: Dimensions that the job needs; for other ones there is only a short
                wait.

        Returns:
            A listing per dimension, which may have failed.

        Raises:
            GcbatchError: As list_entities does.
        """
        return [
            await self._list(listing, is_needed=listing.dimension in needed)
            for listing in NAMED_KINDS
            if listing.dimension in dimensions
        ]

    async def list_table(self, table: str, *, is_probe: bool = False) -> EntityListing:
        """Return the complete listing that a table is made of.

        Args:
            table: One of *tables*.
            is_probe: Whether one parent is enough, where there is a listing for each.

        Raises:
            GcbatchError: If it is not complete; names the permission or other cause.
        """
        kind = entity_kind(table)
        found = await self._list_whole(kind, is_probe=is_probe)
        if lacking := found.lacking:
            hint = None
            if isinstance(lacking, AccessError) and found.kind.permissions:
                needed = " or ".join(found.kind.permissions)
                hint = f"grant the permission {needed} to the client's role"
            which = f"table {table}"
            raise lacking.within(which, hint=hint) from lacking
        return found

    async def _list_whole(self, kind: EntityKind, *, is_probe: bool) -> EntityListing:
        """List a kind for its table, after the parents that it needs."""
        from gcbatch.genesys.client import (
            entities_within,
            list_children,
            without_expanded,
        )

        if not kind.parent:
            found = await self._list(kind, is_needed=True)
            documents = without_expanded(found.documents, self._parts_of(kind))
            return replace(found, documents=documents)
        parents = await self._list(entity_kind(kind.parent), is_needed=True)
        if parents.lacking:
            return parents
        if kind.expand:
            return entities_within(kind, parents)
        if kind.table in self._listed:
            return self._listed[kind.table]
        ids, at_once = sorted(parents.entities), self.client_config.concurrency
        if is_probe:
            return await list_children(self.client, kind, ids[:1], at_once=at_once)
        found = await list_children(self.client, kind, ids, at_once=at_once)
        self._listed[kind.table] = found
        return found

    def _parts_of(self, kind: EntityKind) -> list[EntityKind]:
        """Return the kinds that are a part of a kind's entities, and exported."""
        return [
            part
            for part in map(entity_kind, self.tables)
            if part.expand and part.parent == kind.table
        ]

    async def _list(self, listing: EntityKind, *, is_needed: bool) -> EntityListing:
        from gcbatch.genesys.client import list_entities

        table = listing.table
        parts = self._parts_of(listing)
        whole = table in self.tables or bool(parts)
        may_wait = is_needed or whole
        known = self._listed.get(table)
        suffices = known is not None and known.is_final and known.is_sure
        if known is None or (
            may_wait and table not in self._waited_for and not suffices
        ):
            # A missing token is a failure of the run, not of this listing.
            await self.org_client.tokens.get()
            client = self.client if may_wait else self.client.hurrying()
            expand = tuple(part.expand for part in parts)
            known = await list_entities(
                client, listing, whole=whole, expand=expand, confirm=may_wait
            )
            self._listed[table] = known
            if may_wait:
                self._waited_for.add(table)
        return known


class OrgSessions(AsyncExitStack):
    """Opens each org of the jobs once, and closes all on leaving.

    Args:
        jobs: All jobs of the run. If several use one org, the lowest of their quotas
            counts.
        tables: Tables of entities to list beside those that the jobs export.
    """

    def __init__(self, jobs: Iterable[Job], tables: Iterable[str] = ()) -> None:
        super().__init__()
        self._tables = frozenset(tables)
        self._jobs = tuple(org_job for job in jobs for org_job in job.per_org())
        self._open: dict[Key, OrgSession] = {}

    @cached_property
    def _clients(self) -> list[tuple[Job, Key | None]]:
        """All jobs with the client key of each; None if its secret is unreadable."""
        return [(job, client_key(job.own_org)) for job in self._jobs]

    @cached_property
    def _decode_gate(self) -> "DecodeGate":
        """What all orgs share: how many large answers are decoded at once."""
        from gcbatch.genesys.client import DecodeGate

        return DecodeGate()

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The secrets, and the paths of their files, which workers must not find."""
        found: set[str] = set()
        for org in (job.own_org for job in self._jobs):
            if isinstance(org.client_secret, SecretFile):
                found.add(str(org.client_secret.file))
            with suppress(JobError):  # reported when the org is opened
                found.add(_credentials(org)[2])
        return frozenset(found)

    async def session(self, job: Job) -> OrgSession:
        """Return the open org of *job*.

        Raises:
            JobError: If its secret cannot be read.
        """
        from gcbatch.genesys.client import ClientConfig, open_client

        key = _key(job.own_org)
        if key not in self._open:
            if job.own_org.simulator:
                hosts, client_id, secret = await self._start_simulator()
            else:
                hosts, client_id, secret = _credentials(job.own_org)
            jobs = [job, *(j for j, own in self._clients if own == key)]
            sharing = [j.fetch for j in jobs]
            client_config = ClientConfig(
                hosts=hosts,
                client_id=client_id,
                client_secret=secret,
                token_path=job.own_org.token.path,
                token_style=job.own_org.token.style,
                requests_per_minute=min(f.requests_per_minute for f in sharing),
                reserve=max(f.reserve for f in sharing),
                concurrency=max(f.concurrency for f in sharing),
                timeout_s=max(f.timeout.typical_s for f in sharing),
                give_up_s=max(f.give_up.typical_s for f in sharing),
                max_response_bytes=max(f.max_response_bytes for f in sharing),
            )
            org_client = await self.enter_async_context(
                open_client(client_config, self._decode_gate)
            )
            tables = self._tables.union(*(j.entities for j in jobs))
            self._open[key] = OrgSession(org_client, client_config, tables)
        return self._open[key]

    async def _start_simulator(self) -> tuple[Hosts, str, str]:
        from gcbatch.simulator import Simulator, sample_tenant

        # A wide quota, so that trying gcbatch out takes no time.
        started = Simulator(sample_tenant(), requests_allowed=100_000)
        simulator = await self.enter_async_context(started)
        hosts = Hosts(simulator.url, simulator.url)
        return hosts, simulator.client_id, simulator.client_secret


def client_key(org: Org) -> Key | None:
    """Return a key that orgs with the same client and addresses share.

    None if the secret cannot be read; opening the org reports that.
    """
    try:
        return _key(org)
    except JobError:
        return None


def _key(org: Org) -> Key:
    """Return the key of a session: addresses and credentials."""
    if org.simulator or org.hosts is None:
        return ("simulator",)
    hosts, client_id, secret = _credentials(org)
    of_secret = sha256(secret.encode()).hexdigest()
    token = org.token
    return (hosts.api, hosts.login, client_id, of_secret, token.path, token.style)


def _credentials(org: Org) -> tuple[Hosts, str, str]:
    if org.hosts is None or org.client_id is None or org.client_secret is None:
        msg = "org: has no address or credentials"
        raise JobError(msg)
    if not isinstance(org.client_secret, SecretFile):
        return org.hosts, org.client_id, org.client_secret.get_secret_value()
    return org.hosts, org.client_id, _secret_in(org.client_secret.file)


def _secret_in(path: Path) -> str:
    """Return the secret in a file, without white space around it.

    Raises:
        JobError: If the file is unreadable or empty; never quotes its content.
    """
    hint = "name a file that contains only the secret"
    try:
        secret = read_bounded_text(path, MAX_SECRET_BYTES).strip()
    except OSError as exc:
        msg = f"org.client_secret.file: {path}: cannot be read: {exc.strerror}"
        raise JobError(msg, hint=hint) from exc
    if not secret:
        msg = f"org.client_secret.file: {path}: is empty"
        raise JobError(msg, hint=hint)
    return secret
