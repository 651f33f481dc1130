"""The limits of the service, each with its source.

No official number is known for those marked uncertain; the job file can change them
under `fetch.limits`.
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
"""Quota of one OAuth client. `client.credentials.token.rate.per.minute` in those dumps.
The headers of the answers override it; they have said 180."""

MAX_DAYS_SUBDAY: Final = 7
"""Longest window with buckets below a day. Uncertain: what other extractors use."""

MAX_DAYS_DAILY: Final = 31
"""Longest window with buckets of a day or more. Uncertain: cautious."""

EXPECTED_BUCKETS: Final = 20_000
"""Maximum of results (buckets times groups) in one query. Uncertain: the error text
`limit of 30000 results` is known from flow aggregates; a third is left as margin."""

USER_PREDICATES: Final = 100
"""Maximum of users in the filter of user aggregates. The service's documentation."""

VIEWS: Final = 10
"""Maximum of views in one query. The service's documentation of aggregate views."""

MAX_DAYS_DETAILS: Final = 7
"""Longest window of details without filters. The service's page on detail queries."""

MAX_DAYS_DETAILS_FILTERED: Final = 31
"""Longest window of details with filters. The same page."""

DETAIL_PAGE: Final = 100
"""Maximum of rows on a page of details."""

DETAIL_RESULTS: Final = 100_000
"""Last row that paging reaches. `Pagination may not exceed 100000 results.` is the text
of the error; if it names another number, that one counts."""

JOB_PAGE: Final = 1_000
"""Rows on a page of an async job's results. What production clients request."""

JOBS_IN_FLIGHT: Final = 5
"""Async jobs of the service in flight. Uncertain: no number is public."""

LISTING_PAGE: Final = 100
"""Entities on a page of a listing. 500 is said to work too; 100 always does."""
