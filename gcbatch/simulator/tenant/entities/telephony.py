"""Telephony in the sample: edges, trunks, phones and numbers."""

from collections.abc import Mapping
from typing import Final

from gcbatch.simulator.tenant.entities.sample_kind import (
    Json,
    Refs,
    SampleKind,
    entity_id,
    instant,
)

__all__ = ["TELEPHONY"]

_ROOT: Final = "telephony/providers/edges"


def _base(refs: Refs, n: int) -> Json:
    return {
        "division": refs.ref("divisions", n),
        "description": "in the basement",
        "version": n + 1,
        "dateCreated": instant(n),
        "dateModified": instant(n + 2),
        "modifiedBy": refs.id("users", n + 1),
        "createdBy": refs.id("users", n),
        "state": "active",
    }


def _unlisted(what: str, name: str) -> Json:
    """Return a reference to something that no listing here has."""
    return {"id": entity_id(what, name), "name": name}


TELEPHONY: Final[Mapping[str, SampleKind]] = {
    "edges": SampleKind(
        "Cellar | Attic | Cloud",
        lambda refs, n: {
            **_base(refs, n),
            "make": "Acme",
            "model": f"E{n + 1}",
            "apiVersion": "1.0",
            "softwareVersion": "1.0.0.9001",
            "statusCode": "ACTIVE",
            "edgeGroup": _unlisted("edge groups", "All edges"),
            "site": refs.ref("sites", n),
            "onlineStatus": "OFFLINE" if n == 1 else "ONLINE",
            "serialNumber": f"S-{n:04}",
            "physicalEdge": n < 2,  # noqa: PLR2004 - the cloud is none
            "managed": n >= 2,  # noqa: PLR2004 - as above
            "edgeDeploymentType": "HARDWARE",
            "certType": "PureCloud",
            "callDrainingState": "NONE",
            "conversationCount": 3 * n,
            "offlineConfigCalled": False,
            "osName": "Linux",
        },
        path=_ROOT,
    ),
    "sites": SampleKind(
        "Tel Aviv | Haifa",
        lambda refs, n: {
            **_base(refs, n),
            "primarySites": refs.refs("sites", 0),
            "mediaRegionsUseLatencyBased": True,
            "location": refs.ref("locations", n),
            "managed": False,
            "mediaModel": ("Premises", "Cloud")[n % 2],
            "coreSite": n == 0,
            "mediaRegions": ["eu-central-1"],
            "callerId": "+97235551000",
            "callerName": "The bank",
            "cloudProxyForceTurn": False,
        },
        path=f"{_ROOT}/sites",
    ),
    "phones": SampleKind(
        "Phone of {user}",
        lambda refs, n: {
            **_base(refs, n),
            "site": refs.ref("sites", n),
            "phoneBaseSettings": _unlisted("phone base settings", "Softphone"),
            "lineBaseSettings": _unlisted("line base settings", "Softphone line"),
            "phoneMetaBase": _unlisted("phone metabases", "inin_webrtc_softphone"),
            "lines": [refs.ref("lines", n)],
            "status": {"id": refs.id("phones", n), "operationalStatus": "OPERATIONAL"},
            "webRtcUser": refs.ref("users", n),
            "standAlone": False,
            "primaryEdge": refs.ref("edges", n),
            "secondaryEdge": refs.ref("edges", n + 1),
        },
        path=f"{_ROOT}/phones",
    ),
    "trunks": SampleKind(
        "Carrier | Second carrier | Phones",
        lambda refs, n: {
            **_base(refs, n),
            "trunkType": ("EXTERNAL", "EXTERNAL", "PHONE")[n % 3],
            "edge": refs.ref("edges", n),
            "trunkBase": _unlisted("trunk bases", "SIP"),
            "trunkMetabase": _unlisted("trunk metabases", "external_sip"),
            "edgeGroup": _unlisted("edge groups", "All edges"),
            "inService": n != 1,
            "enabled": True,
            "logicalInterface": _unlisted("interfaces", f"Port {n}"),
            "optionsEnabledStatus": "ENABLED",
            "registersEnabledStatus": ("DISABLED", "NOT_SUPPORTED")[n % 2],
            "family": n,
        },
        path=f"{_ROOT}/trunks",
    ),
    "lines": SampleKind(
        "Line of {user} | Line of the reception",
        lambda refs, n: {
            **_base(refs, n),
            "edgeGroup": _unlisted("edge groups", "All edges"),
            "template": _unlisted("line templates", "Softphone"),
            "site": refs.ref("sites", n),
            "lineBaseSettings": _unlisted("line base settings", "Softphone line"),
            "primaryEdge": refs.ref("edges", n),
            "secondaryEdge": refs.ref("edges", n + 1),
            **({"loggedInUser": refs.ref("users", n)} if n % 2 else {}),
            "defaultForUser": refs.ref("users", n),
        },
        path=f"{_ROOT}/lines",
    ),
    "dids": SampleKind(
        "+97235551000 | +97235551001 | +97235551002 | +97235551003",
        lambda refs, n: {
            **_base(refs, n),
            "phoneNumber": refs.name("dids", n),
            "didPool": refs.ref("did_pools", 0),
            "owner": refs.ref("ivrs", n) if n % 2 == 0 else refs.ref("users", n),
            "ownerType": ("IVR_CONFIG", "USER")[n % 2],
        },
        path=f"{_ROOT}/dids",
    ),
    "did_pools": SampleKind(
        "Public numbers | Spare numbers",
        lambda refs, n: {
            **_base(refs, n),
            "startPhoneNumber": f"+9723555{n + 1}000",
            "endPhoneNumber": f"+9723555{n + 1}999",
            "comments": "of the carrier",
            "provider": ("PURE_CLOUD", "PURE_CLOUD_VOICE")[n % 2],
        },
        path=f"{_ROOT}/didpools",
    ),
    "extensions": SampleKind(
        "Extension of {user}",
        lambda refs, n: {
            **_base(refs, n),
            "number": str(2000 + n),
            "owner": refs.ref("users", n),
            "extensionPool": _unlisted("extension pools", "2000 to 2999"),
            "ownerType": "USER",
        },
        path=f"{_ROOT}/extensions",
    ),
    "outbound_routes": SampleKind(
        "National | International",
        lambda refs, n: {
            **_base(refs, n),
            "classificationTypes": [("National", "International")[n % 2]],
            "enabled": True,
            "distribution": ("SEQUENTIAL", "RANDOM")[n % 2],
            "externalTrunkBases": [_unlisted("trunk bases", "SIP")],
            "site": refs.ref("sites", n),
            "managed": False,
        },
        path=f"{_ROOT}/outboundroutes",
    ),
}
