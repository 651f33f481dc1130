"""The orgs that jobs ask: one client, one token and one pace for each."""

from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from gcbatch.atomic_files import read_bounded
from gcbatch.errors import JobError
from gcbatch.genesys import ENTITY_KINDS, EntityKind, EntityListing, Hosts
from gcbatch.genesys.client import (
    Client,
    ClientConfig,
    DecodeGate,
    OrgClient,
    list_entities,
    open_client,
)
from gcbatch.job import Job, Org, SecretFile

__all__ = ["OrgSession", "OrgSessions", "client_key", "store_identity"]

MAX_SECRET_BYTES = 4096


def store_identity(org: Org) -> str:
    """Return what tells the org's data from others' in the store; never a secret."""
    if org.simulator:
        from gcbatch.simulator import VERSION  # noqa: PLC0415 - loads the simulator, which real jobs never need

        return f"simulator {VERSION}"
    hosts = org.hosts
    return org.name or f"{hosts.login if hosts else ''} {org.client_id}"


Key = tuple[str, ...]


@dataclass
class OrgSession:
    """An open org: whom to ask, and what was listed of it.

    Args:
        access: The way to it.
        connection: How that was opened.
        tables: Those of the org's entities that jobs export, such as `users`.
    """

    access: OrgClient
    connection: ClientConfig
    tables: frozenset[str] = frozenset()
    _listed: dict[str, EntityListing] = field(default_factory=dict)
    _patiently: set[str] = field(default_factory=set)

    @property
    def client(self) -> Client:
        """Whom to ask."""
        return self.access.client

    async def list_all(
        self, dimensions: Collection[str], *, needed: Collection[str] = ()
    ) -> list[EntityListing]:
        """List what *dimensions* stand for, each kind once however many jobs ask.

        Args:
            dimensions: Whose ids are to be named.
            needed: Those without whose listing the job cannot go on; for the others
                nobody waits long.

        Returns:
            A listing for each, which may have failed.

        Raises:
            GcbatchError: As list_entities does.
        """
        return [
            await self._list(listing, is_needed=listing.dimension in needed)
            for listing in ENTITY_KINDS
            if listing.dimension in dimensions
        ]

    async def list_table(self, table: str) -> EntityListing:
        """Return the listing that a table is made of, whole.

        Args:
            table: One of *tables*.

        Raises:
            GcbatchError: If it is not; names the permission, or whatever the cause is.
        """
        listing = next(li for li in ENTITY_KINDS if li.table == table)
        found = await self._list(listing, is_needed=True)
        if lacking := found.lacking:
            which = f"table {table}"
            raise lacking.within(which) from lacking
        return found

    async def _list(self, listing: EntityKind, *, is_needed: bool) -> EntityListing:
        table = listing.table
        whole = table in self.tables
        is_patient = is_needed or whole
        known = self._listed.get(table)
        if known is None or (
            is_patient and table not in self._patiently and not known.is_final
        ):
            # Without a token nothing can be had: that is no listing's own failure.
            await self.access.tokens.get()
            client = self.client if is_patient else self.client.hurrying()
            known = await list_entities(client, listing, whole=whole)
            self._listed[table] = known
            if is_patient:
                self._patiently.add(table)
        return known


class OrgSessions:
    """Opens each org that jobs ask once, and closes all on leaving.

    Args:
        jobs: All jobs of the run. Where several ask one org, the lowest of their
            quotas counts.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = tuple(share for job in jobs for share in job.per_org())
        self._stack = AsyncExitStack()
        self._open: dict[Key, OrgSession] = {}
        self._gate = DecodeGate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @cached_property
    def _clients(self) -> list[tuple[Job, Key | None]]:
        """All jobs with the client of each; None where its secret cannot be read."""
        return [(job, client_key(job.own_org)) for job in self._jobs]

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What no other process may learn: secrets, and the paths of their files."""
        found: set[str] = set()
        for org in (job.own_org for job in self._jobs):
            if isinstance(org.client_secret, SecretFile):
                found.add(str(org.client_secret.file))
            with suppress(JobError):  # its own turn will say so
                found.add(_signature(org)[2])
        return frozenset(found)

    async def session(self, job: Job) -> OrgSession:
        """Return the open org of *job*.

        Raises:
            JobError: If its secret cannot be read.
        """
        key = _key(job.own_org)
        if key not in self._open:
            if job.own_org.simulator:
                hosts, client_id, secret = await self._start_simulator()
            else:
                hosts, client_id, secret = _signature(job.own_org)
            jobs = [job, *(j for j, own in self._clients if own == key)]
            sharing = [j.fetch for j in jobs]
            connection = ClientConfig(
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
            access = await self._stack.enter_async_context(
                open_client(connection, self._gate)
            )
            tables = frozenset(table for j in jobs for table in j.entities)
            self._open[key] = OrgSession(access, connection, tables)
        return self._open[key]

    async def _start_simulator(self) -> tuple[Hosts, str, str]:
        from gcbatch.simulator import Simulator, sample_tenant  # noqa: PLC0415 - as above

        # Its quota is wide, so that trying gcbatch out takes no patience.
        started = Simulator(sample_tenant(), requests_allowed=100_000)
        simulator = await self._stack.enter_async_context(started)
        hosts = Hosts(simulator.url, simulator.url)
        return hosts, simulator.client_id, simulator.client_secret


def client_key(org: Org) -> Key | None:
    """Return what is equal for two orgs that are asked by one client, at one address.

    None, if the secret cannot be read; its own turn will say so.
    """
    try:
        return _key(org)
    except JobError:
        return None


def _key(org: Org) -> Key:
    """Return what makes two jobs share a session: addresses and credentials."""
    if org.simulator or org.hosts is None:
        return ("simulator",)
    hosts, client_id, secret = _signature(org)
    of_secret = sha256(secret.encode()).hexdigest()
    token = org.token
    return (hosts.api, hosts.login, client_id, of_secret, token.path, token.style)


def _signature(org: Org) -> tuple[Hosts, str, str]:
    if org.hosts is None or org.client_id is None or org.client_secret is None:
        msg = "org: has no address or credentials"
        raise JobError(msg)
    if not isinstance(org.client_secret, SecretFile):
        return org.hosts, org.client_id, org.client_secret.get_secret_value()
    return org.hosts, org.client_id, _secret_in(org.client_secret.file)


def _secret_in(path: Path) -> str:
    """Return the secret that a file holds, without white space around it.

    Raises:
        JobError: If it cannot be read, or holds none; says nothing of its content.
    """
    hint = "name a file that holds nothing but the secret"
    try:
        content = read_bounded(path, MAX_SECRET_BYTES)
        secret = content.decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "not UTF-8"
        msg = f"org.client_secret.file: {path}: cannot be read: {reason}"
        raise JobError(msg, hint=hint) from exc
    if not secret:
        msg = f"org.client_secret.file: {path}: is empty"
        raise JobError(msg, hint=hint)
    return secret
