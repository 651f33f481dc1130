"""The regions of Genesys Cloud and their hosts.

Source: `purecloud_region_hosts.py` of PureCloudPlatformClientV2 269.0.0, whose rule
for the login host (`api.` becomes `login.`) is followed here; read 2026-11-21.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

__all__ = ["REGIONS", "Hosts", "hosts_of_domain", "is_loopback", "region_of"]

REGIONS: Final = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
}
"""The domain of each region, all 18 of that release."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The two addresses of an org, without a slash at the end."""

    api: str
    login: str


def hosts_of_domain(domain: str) -> Hosts:
    """Return the addresses of a domain such as `mypurecloud.ie`."""
    return Hosts(api=f"https://api.{domain}", login=f"https://login.{domain}")


def is_loopback(url: str) -> bool:
    """Say whether *url* cannot leave this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, such as 127.example.com
        return False


def region_of(text: str) -> str:
    """Return the region whose domain *text* has; empty if there is none.

    Args:
        text: A domain, a host below it, or an address, such as what a browser shows:
            `https://apps.mypurecloud.ie/directory`.
    """
    place = text.lower() if "//" in text else f"//{text.lower()}"
    host = place.partition("//")[2].partition("/")[0].partition(":")[0]
    for region, domain in REGIONS.items():
        if host == domain or host.endswith(f".{domain}"):
            return region
    return ""
