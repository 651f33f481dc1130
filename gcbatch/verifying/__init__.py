"""A run checked afterwards: its parts, its outputs, and the service's own totals."""

from gcbatch.verifying.destinations import (
    Destination,
    DestinationsResult,
    verify_destinations,
)
from gcbatch.verifying.result import RUN, Totals, VerifyResult
from gcbatch.verifying.totals import Difference
from gcbatch.verifying.verification import Verification, averify, verify
from gcbatch.verifying.verifier import verify_org

__all__ = [
    "RUN",
    "Destination",
    "DestinationsResult",
    "Difference",
    "Totals",
    "Verification",
    "VerifyResult",
    "averify",
    "verify",
    "verify_destinations",
    "verify_org",
]
