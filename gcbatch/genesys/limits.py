"""What the service allows, each figure with where it comes from.

Those marked uncertain have no official number; the job file can change them under
`fetch.limits`.
"""

from typing import Final

__all__ = [
    "BODY_BYTES",
    "DETAIL_PAGE",
    "DETAIL_RESULTS",
    "EXPECTED_BUCKETS",
    "JOBS_IN_FLIGHT",
    "JOB_PAGE",
    "LISTING_PAGE",
    "MAX_DAYS_DAILY",
    "MAX_DAYS_DETAILS",
    "MAX_DAYS_DETAILS_FILTERED",
    "MAX_DAYS_SUBDAY",
    "REQUESTS_PER_MINUTE",
    "USER_PREDICATES",
    "VIEWS",
]

BODY_BYTES: Final = 512_000
"""Largest request body. `request.bytes.max` in dumps of organisation limits."""

REQUESTS_PER_MINUTE: Final = 300
"""Of one OAuth client. `client.credentials.token.rate.per.minute` in the same dumps.
The answers' own headers count; 180 has been seen there."""

MAX_DAYS_SUBDAY: Final = 7
"""Longest window with buckets below a day. Uncertain: what other extractors use."""

MAX_DAYS_DAILY: Final = 31
"""Longest window with buckets of a day or more. Uncertain: cautious."""

EXPECTED_BUCKETS: Final = 20_000
"""Most results (buckets times groups) to ask for at once. Uncertain: the error text
`limit of 30000 results` is known of flow aggregates; a third is left as margin."""

USER_PREDICATES: Final = 100
"""Most users in the filter of user aggregates. The service's documentation of them."""

VIEWS: Final = 10
"""Most views in one query. The service's documentation of aggregate views."""

MAX_DAYS_DETAILS: Final = 7
"""Longest window of details without filters. The service's page on detail queries."""

MAX_DAYS_DETAILS_FILTERED: Final = 31
"""Likewise, with filters."""

DETAIL_PAGE: Final = 100
"""Most rows on a page of details."""

DETAIL_RESULTS: Final = 100_000
"""Most rows that paging reaches. `Pagination may not exceed 100000 results.` is the
error's text; the number in it counts where it says another."""

JOB_PAGE: Final = 1_000
"""Rows on a page of a job's results. What production clients ask for."""

JOBS_IN_FLIGHT: Final = 5
"""Jobs of the service under way at once. Uncertain: no number is public."""

LISTING_PAGE: Final = 100
"""Entities of a listing's page. 500 is said to work too; 100 always does."""
