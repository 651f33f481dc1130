"""A run checked afterwards: its parts, its outputs, and the service's own totals."""

from gcbatch.verifying.result import Totals, VerifyResult
from gcbatch.verifying.totals import Difference
from gcbatch.verifying.verifier import verify

__all__ = ["Difference", "Totals", "VerifyResult", "verify"]
