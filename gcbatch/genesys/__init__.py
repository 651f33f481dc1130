"""Facts of the service, each with its source: endpoints, metrics, limits, entities.

Nothing here sends a request.
"""

from gcbatch.genesys.detail_models import (
    CONVERSATION,
    USER_DETAIL,
    Field,
    FieldKind,
    Model,
)
from gcbatch.genesys.detail_records import (
    EVALUATION,
    FLOW_OUTCOME,
    MEDIA_ENDPOINT_STAT,
    PROPOSED_AGENT,
    RESOLUTION,
    SURVEY,
)
from gcbatch.genesys.detail_values import MisfitError, fits, loaded, value_of
from gcbatch.genesys.details import DETAILS, Details, FetchMode, details_named
from gcbatch.genesys.entities import (
    ENTITY_KINDS,
    Documents,
    Entity,
    EntityKind,
    EntityListing,
    named_dimensions,
)
from gcbatch.genesys.families import FAMILIES, Family, family_named
from gcbatch.genesys.limits import (
    BODY_BYTES,
    DETAIL_PAGE,
    DETAIL_RESULTS,
    EXPECTED_BUCKETS,
    JOB_PAGE,
    JOBS_IN_FLIGHT,
    LISTING_PAGE,
    MAX_DAYS_DAILY,
    MAX_DAYS_DETAILS,
    MAX_DAYS_DETAILS_FILTERED,
    MAX_DAYS_SUBDAY,
    REQUESTS_PER_MINUTE,
    USER_PREDICATES,
    VIEWS,
)
from gcbatch.genesys.metrics import Kind, Merge, Statistic, column_name, kind_of, snake
from gcbatch.genesys.names import (
    TARGETS,
    Names,
    check_targets,
    is_id,
    names_from_listings,
    queue_ids,
    require_targets,
    unlisted_targets,
)
from gcbatch.genesys.regions import REGIONS, Hosts, hosts_of_domain, is_loopback
from gcbatch.genesys.retry_rules import (
    RetryBudget,
    RetryRule,
    parse_date,
    retry_after_s,
    rule_for,
)
from gcbatch.genesys.service_clock import ServiceClock
from gcbatch.genesys.traffic import FailedCall, Traffic
from gcbatch.genesys.tutorials import Shape, shape_named

__all__ = [
    "BODY_BYTES",
    "CONVERSATION",
    "DETAILS",
    "DETAIL_PAGE",
    "DETAIL_RESULTS",
    "ENTITY_KINDS",
    "EVALUATION",
    "EXPECTED_BUCKETS",
    "FAMILIES",
    "FLOW_OUTCOME",
    "JOBS_IN_FLIGHT",
    "JOB_PAGE",
    "LISTING_PAGE",
    "MAX_DAYS_DAILY",
    "MAX_DAYS_DETAILS",
    "MAX_DAYS_DETAILS_FILTERED",
    "MAX_DAYS_SUBDAY",
    "MEDIA_ENDPOINT_STAT",
    "PROPOSED_AGENT",
    "REGIONS",
    "REQUESTS_PER_MINUTE",
    "RESOLUTION",
    "SURVEY",
    "TARGETS",
    "USER_DETAIL",
    "USER_PREDICATES",
    "VIEWS",
    "Details",
    "Documents",
    "Entity",
    "EntityKind",
    "EntityListing",
    "FailedCall",
    "Family",
    "FetchMode",
    "Field",
    "FieldKind",
    "Hosts",
    "Kind",
    "Merge",
    "MisfitError",
    "Model",
    "Names",
    "RetryBudget",
    "RetryRule",
    "ServiceClock",
    "Shape",
    "Statistic",
    "Traffic",
    "check_targets",
    "column_name",
    "details_named",
    "family_named",
    "fits",
    "hosts_of_domain",
    "is_id",
    "is_loopback",
    "kind_of",
    "loaded",
    "named_dimensions",
    "names_from_listings",
    "parse_date",
    "queue_ids",
    "require_targets",
    "retry_after_s",
    "rule_for",
    "shape_named",
    "snake",
    "unlisted_targets",
    "value_of",
]
