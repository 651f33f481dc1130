"""A local Genesys Cloud: the API's analytics and listings over a real socket.

Tests and jobs with `simulator: true` use it as the service. It shares only the
enumerations of the API with the rest of gcbatch, so a mistake made there is not
repeated here. It also answers two tutorials whose shapes the service's published API
does not have (`interval_report`, `queue_summary`).
"""

from gcbatch.simulator.documents import Document
from gcbatch.simulator.faults.faults import Fault, Faults
from gcbatch.simulator.request_log import Entry, RequestLog
from gcbatch.simulator.server import Simulator
from gcbatch.simulator.serving import serve
from gcbatch.simulator.tenant.call_log import load_call_log
from gcbatch.simulator.tenant.corrections import tenant_at
from gcbatch.simulator.tenant.generate import generate_calls
from gcbatch.simulator.tenant.generate_conversations import generate_conversations
from gcbatch.simulator.tenant.sample import VERSION, call_log_tenant, sample_tenant
from gcbatch.simulator.tenant.tenant import (
    Call,
    Observation,
    Presence,
    Queue,
    Tenant,
    User,
    WrapUpCode,
)

__all__ = [
    "VERSION",
    "Call",
    "Document",
    "Entry",
    "Fault",
    "Faults",
    "Observation",
    "Presence",
    "Queue",
    "RequestLog",
    "Simulator",
    "Tenant",
    "User",
    "WrapUpCode",
    "call_log_tenant",
    "generate_calls",
    "generate_conversations",
    "load_call_log",
    "sample_tenant",
    "serve",
    "tenant_at",
]
