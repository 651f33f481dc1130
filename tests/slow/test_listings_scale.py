"""A large org's listings, whole and with the requests that arithmetic says."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from gcbatch.simulator import Queue, User
from tests.support.listed_org import ORG, rows, run, some_id

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

pytestmark = pytest.mark.slow

USERS, QUEUES, MEMBERS, PAGE = 12_000, 1_200, 30_000, 100
State = Literal["active", "inactive", "deleted"]
LEFT, AWAY = 1_999, 1
"""Users who are deleted, and inactive."""


def pages(count: int) -> int:
    return max(1, -(-count // PAGE))


def read_twice(*counts: int) -> int:
    """Return the requests of slices: twice if one of them has several pages."""
    each = sum(map(pages, counts))
    return each * (2 if max(counts) > PAGE else 1)


def test_a_large_org_is_listed_whole(workspace_of: "WorkspaceOf") -> None:
    """12,000 users, 1,200 queues and 30,000 members: each is a row, none twice."""
    gone: list[State] = ["deleted"] * LEFT
    away: list[State] = ["inactive"] * AWAY
    active: list[State] = ["active"] * (USERS - LEFT - AWAY)
    states = gone + away + active
    users = tuple(
        User(id=some_id(n), name=f"User {n * 7919 % USERS}", state=state)
        for n, state in enumerate(states)
    )
    queues = tuple(
        Queue(id=some_id(50_000 + n), name=f"Queue {n:04}") for n in range(QUEUES)
    )
    # Queue n has n % 50 members, the last one all that are left: some thousand of them.
    sizes = [n % 50 for n in range(QUEUES - 1)]
    sizes.append(MEMBERS - sum(sizes))
    members: dict[str, list[dict[str, Any]]] = {
        queue.id: [
            {"id": users[(n + k) % USERS].id, "name": f"M {k}", "joined": k % 2 == 0}
            for k in range(size)
        ]
        for n, (queue, size) in enumerate(zip(queues, sizes, strict=True))
    }
    org = replace(ORG, users=users, queues=queues, children={"queue_members": members})
    workspace = workspace_of(org)

    run(workspace, "users", "queues", "queue_members")

    found = {name: rows(workspace, name) for name in ("users", "queues")}
    assert [row["user_id"] for row in found["users"]] == sorted(u.id for u in users)
    assert Counter(row["state"] for row in found["users"]) == Counter(states)
    assert [row["queue_id"] for row in found["queues"]] == sorted(q.id for q in queues)
    pairs = [(r["queue_id"], r["user_id"]) for r in rows(workspace, "queue_members")]
    assert len(pairs) == MEMBERS
    assert set(pairs) == {(q, m["id"]) for q, sent in members.items() for m in sent}
    sent = Counter(entry.path for entry in workspace.simulator.requests("/api/v2/"))
    assert sent["/api/v2/users"] == read_twice(USERS - LEFT - AWAY, AWAY, LEFT)
    assert sent["/api/v2/routing/queues"] == read_twice(QUEUES)
    of_members = {path: n for path, n in sent.items() if path.endswith("/members")}
    assert of_members == {
        f"/api/v2/routing/queues/{queue.id}/members": read_twice(size)
        for queue, size in zip(queues, sizes, strict=True)
    }
