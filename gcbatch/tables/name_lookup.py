"""Looks up the names of ids, for the columns of names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import pyarrow as pa

from gcbatch.lazy import lazy_import

__all__ = ["NAMED", "PRESENCE_METRIC", "NameLookup", "Names", "name_field"]

pc = lazy_import("pyarrow.compute")

Names = Mapping[str, Mapping[str, str]]
"""Names by id, for each dimension that was listed."""

PRESENCE_METRIC: Final = "tOrganizationPresence"
"""The metric whose qualifiers are ids: of the presences that the org defines."""

NAMED: Final = {
    "queue_id": ("queue_name", "queueId"),
    "user_id": ("user_name", "userId"),
    "wrap_up_code": ("wrap_up_code_name", "wrapUpCode"),
    "evaluator_id": ("evaluator_name", "userId"),
    "assignee_id": ("assignee_name", "userId"),
    "proposed_agent_id": ("proposed_agent_name", "userId"),
    "division_id": ("division_name", "divisionId"),
    "team_id": ("team_name", "teamId"),
    "flow_id": ("flow_name", "flowId"),
    "requested_routing_skill_id": ("requested_routing_skill_name", "skillId"),
    "active_skill_id": ("active_skill_name", "skillId"),
    "removed_skill_id": ("removed_skill_name", "skillId"),
    "requested_language_id": ("requested_language_name", "languageId"),
    "outbound_campaign_id": ("outbound_campaign_name", "outboundCampaignId"),
    "organization_presence_id": (
        "organization_presence_name",
        "organizationPresenceId",
    ),
    # Of PRESENCE_METRIC. Those of other metrics are words, which name themselves.
    "qualifier": ("qualifier_name", "organizationPresenceId"),
}
"""Columns of ids: for each, the column of the names, and the dimension of the ids."""


@dataclass(frozen=True)
class NameLookup:
    """The names of the ids of one dimension.

    Args:
        ids: All ids that have a name.
        names: The name of each of them.
    """

    ids: pa.Array
    names: pa.Array

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Self:
        """Return the lookup of names by id."""
        ids = sorted(names)
        called = [names[i] for i in ids]
        return cls(pa.array(ids, pa.string()), pa.array(called, pa.string()))

    def named(self, ids: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """Return the names of *ids*; an id without a name is its own name."""
        if not len(self.ids):
            return ids
        return pc.coalesce(self.names.take(pc.index_in(ids, value_set=self.ids)), ids)


def name_field(name: str, ids: str) -> pa.Field:
    """Return the column *name*, of the names of the column *ids*."""
    return pa.field(name, pa.string(), metadata={"description": f"name of {ids}"})
