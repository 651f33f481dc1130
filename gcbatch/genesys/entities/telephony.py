"""Telephony: edges, trunks, phones and numbers.

Sources: paths, models and permissions of PureCloudPlatformClientV2 269.0.0 and of
platform-client-sdk-javascript 259.0.0. Read 2026-11-27.
"""

from typing import Final

from gcbatch.genesys.entities.kind import EntityKind

__all__ = ["TELEPHONY"]

TELEPHONY: Final = (
    EntityKind(
        "edges",
        "edge",
        ("/api/v2/telephony/providers/edges",),
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp make model apiVersion softwareVersion "
        "softwareVersionTimestamp softwareVersionPlatform "
        "softwareVersionConfiguration fullSoftwareVersion pairingId "
        "fingerprint fingerprintHint currentVersion stagedVersion patch "
        "statusCode edgeGroup:named site:named onlineStatus serialNumber "
        "physicalEdge:flag managed:flag edgeDeploymentType certType "
        "callDrainingState conversationCount:whole proxy "
        "offlineConfigCalled:flag osName",
        volatile=("conversationCount", "onlineStatus"),
    ),
    EntityKind(
        "sites",
        "site",
        ("/api/v2/telephony/providers/edges/sites",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp mediaRegionsUseLatencyBased:flag location:named "
        "managed:flag mediaModel coreSite:flag callerId callerName "
        "cloudProxyForceTurn:flag",
    ),
    EntityKind(
        "phones",
        "phone",
        ("/api/v2/telephony/providers/edges/phones",),
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp site:named phoneBaseSettings:named "
        "lineBaseSettings:named phoneMetaBase:named status:id "
        "secondaryStatus:id webRtcUser:named standAlone:flag "
        "primaryEdge:named secondaryEdge:named",
    ),
    EntityKind(
        "trunks",
        "trunk",
        ("/api/v2/telephony/providers/edges/trunks",),
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp trunkType edge:named trunkBase:named "
        "trunkMetabase:named edgeGroup:named inService:flag enabled:flag "
        "logicalInterface:named optionsEnabledStatus registersEnabledStatus "
        "family:whole",
    ),
    EntityKind(
        "lines",
        "line",
        ("/api/v2/telephony/providers/edges/lines",),
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp edgeGroup:named template:named site:named "
        "lineBaseSettings:named primaryEdge:named secondaryEdge:named "
        "loggedInUser:named defaultForUser:named",
    ),
    EntityKind(
        "dids",
        "did",
        ("/api/v2/telephony/providers/edges/dids",),
        label="DIDs",
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp phoneNumber didPool:named owner:named ownerType",
    ),
    EntityKind(
        "did_pools",
        "did_pool",
        ("/api/v2/telephony/providers/edges/didpools",),
        label="DID pools",
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp startPhoneNumber endPhoneNumber comments provider",
    ),
    EntityKind(
        "extensions",
        "extension",
        ("/api/v2/telephony/providers/edges/extensions",),
        permissions=("telephony:extensionPool:view",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp extension_number=number owner:named "
        "extensionPool:named ownerType",
    ),
    EntityKind(
        "outbound_routes",
        "outbound_route",
        ("/api/v2/telephony/providers/edges/outboundroutes",),
        permissions=("telephony:plugin:all",),
        columns="division:named description version:whole dateCreated:instant "
        "dateModified:instant modifiedBy createdBy state modifiedByApp "
        "createdByApp enabled:flag distribution site:named managed:flag",
    ),
)
