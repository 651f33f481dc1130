"""The section `org:` of a job file: the Genesys Cloud org, and how to sign in."""

from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    field_validator,
    model_validator,
)

from gcbatch.exporting import SecretFile
from gcbatch.genesys import REGIONS, Hosts, hosts_of_domain, is_loopback, region_of
from gcbatch.job.query import Queues
from gcbatch.job.section import MAX_NUMBER, Section, literal_or_file
from gcbatch.job.time_types import TimeZone
from gcbatch.suggest import unknown

__all__ = ["Org", "OrgSection", "SecretFile", "TokenRequest"]


class TokenRequest(Section):
    """How to request a token from a gateway instead of the service.

    Args:
        path: Path on the login host, such as `/v2/oauth/token`.
        style: `basic` sends the credentials as Basic auth with a form, as the service
            requires; `json` sends them in a JSON body, as a tutorial shows.
    """

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]+$")] = "/oauth/token"
    style: Literal["basic", "json"] = "basic"


def _check_region(region: str) -> str:
    if region not in REGIONS:
        if meant := region_of(region):
            msg = f"{region!r} is no region; its domain is that of region: {meant}"
            raise ValueError(msg)
        raise ValueError(unknown("region", region, REGIONS))
    return region


def _check_domain(domain: object) -> object:
    """Refuse a region, an address, and a host below a region's domain."""
    if not isinstance(domain, str):
        return domain
    if domain in REGIONS:
        msg = f"{domain} is a region; write region: {domain}"
        raise ValueError(msg)
    region = region_of(domain)
    if region and domain != REGIONS[region]:
        msg = f"{domain!r} is no domain; write {REGIONS[region]}, or region: {region}"
        raise ValueError(msg)
    return domain


class Org(Section):
    """The Genesys Cloud org, and how to sign in.

    Args:
        region: The org's region.
        domain: Instead of a region, its domain, such as `mypurecloud.ie`: for regions
            newer than this release.
        api_url: Instead of a region, the API's address, such as a gateway's; needs
            `login_url`. Plain http is allowed for loopback only.
        login_url: Address of the login host; needs `api_url`.
        simulator: Instead of a region, the simulator of gcbatch, started for the run.
        client_id: Id of an OAuth client with client credentials. Default: required
            unless `simulator: true`.
        client_secret: Its secret: `${NAME}` or `{file: /run/secrets/genesys}`. The
            secret itself is refused. Default: required unless `simulator: true`.
        name: Name in the store, for orgs that the client id does not distinguish.
        token: How a gateway grants tokens, if not as the service does. Default: each
            key's own.
    """

    region: Annotated[str, AfterValidator(_check_region)] | None = None
    domain: (
        Annotated[
            str,
            Field(pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$", max_length=253),
            BeforeValidator(_check_domain),
        ]
        | None
    ) = None
    api_url: str | None = None
    login_url: str | None = None
    simulator: bool = False
    client_id: Annotated[str, Field(min_length=1)] | None = None
    client_secret: (
        Annotated[
            Annotated[SecretStr, Tag("given")] | Annotated[SecretFile, Tag("file")],
            Discriminator(literal_or_file),
        ]
        | None
    ) = None
    name: str | None = None
    token: TokenRequest = TokenRequest()

    @field_validator("api_url", "login_url")
    @classmethod
    def _is_https(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            msg = "an address has no user, password, query or fragment"
            raise ValueError(msg)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"{url!r} is not an address such as https://api.mypurecloud.ie"
            raise ValueError(msg)
        if parts.scheme == "http" and not is_loopback(url):
            msg = f"{url!r} would send the secret unencrypted; use https"
            raise ValueError(msg)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        ways = {
            "region": self.region is not None,
            "domain": self.domain is not None,
            "api_url and login_url": self.api_url is not None
            or self.login_url is not None,
            "simulator": self.simulator,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "none is given"
            msg = f"give one of {', '.join(ways)}; {what}"
            raise ValueError(msg)
        if (self.api_url is None) != (self.login_url is None):
            msg = "api_url and login_url need each other; give both"
            raise ValueError(msg)
        lacks = [n for n in ("client_id", "client_secret") if getattr(self, n) is None]
        if lacks and not self.simulator:
            msg = f"{' and '.join(lacks)} missing; write for example {_EXAMPLE}"
            raise ValueError(msg)
        return self

    @property
    def hosts(self) -> Hosts | None:
        """The org's two addresses; None for the simulator, which is not started yet."""
        if self.region:
            return hosts_of_domain(REGIONS[self.region])
        if self.domain:
            return hosts_of_domain(self.domain)
        if self.api_url and self.login_url:
            return Hosts(self.api_url, self.login_url)
        return None


_EXAMPLE: Final = "client_secret: ${GENESYS_CLIENT_SECRET}"


class OrgSection(Org):
    """One of several orgs, with keys of the job that it overrides.

    Args:
        queues: Its own queues. Default: `query.queues`.
        timezone: Its own zone. Tables of orgs in different zones have no common days:
            they cannot be partitioned by day or month, or become a report. Default:
            `query.timezone`.
        requests_per_minute: Its own maximum. Default: `fetch.requests_per_minute`.
        reserve: Its own reserve. Default: `fetch.reserve`.
    """

    queues: Queues | None = None
    timezone: TimeZone | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    reserve: Annotated[float, Field(ge=0, lt=100)] | None = None
