"""`gcbatch list`: ids and names of what the org lists now."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.simulator import Fault, Faults, Queue, Tenant, User, WrapUpCode
from tests.flows.test_cli import check_refusal
from tests.support.piped import first_line_of
from tests.support.several_orgs import SALES, SUPPORT, orgs_of, some_id

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

ORG = Tenant(
    name="org",
    version="1",
    queues=(
        Queue(id=some_id(1), name="Support"),
        Queue(id=some_id(2), name="sales"),
        Queue(id=some_id(3), name="Internet support"),
        Queue(id=some_id(4), name="Gone", deleted=True),
    ),
    calls=(),
    users=(
        User(id=some_id(11), name="Ann"),
        User(id=some_id(12), name="Bob", state="inactive"),
        User(id=some_id(13), name="Cem", state="deleted"),
    ),
    wrap_up_codes=(WrapUpCode(id=some_id(21), name="[red]\n:bell: sold"),),
)

List = Callable[..., Result]


@pytest.fixture
def org(workspace_of: "WorkspaceOf") -> "Workspace":
    """Start the org."""
    return workspace_of(ORG)


def listing(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch, *args: object
) -> Result:
    """Run the command, with a job of the workspace after the table."""
    for name, value in workspace.environ.items():
        monkeypatch.setenv(name, value)
    table, *options = map(str, args)
    words = ["list", table, str(workspace.write()), *options]
    return CliRunner().invoke(app, words)


@pytest.fixture
def show(org: "Workspace", monkeypatch: pytest.MonkeyPatch) -> List:
    """Run the command in the org."""
    return lambda *args: listing(org, monkeypatch, *args)


def lines_of(result: Result) -> list[list[str]]:
    """Return the cells of a screen, which two spaces or more divide."""
    assert result.exit_code == 0, result.output
    return [re.split(r" {2,}", line.strip()) for line in result.stdout.splitlines()]


def test_ids_and_names_are_sorted_by_name(show: List) -> None:
    """In any case; those that the org does not list are not there."""
    entities = json.loads(show("queues", "--json").stdout)["entities"]

    assert [queue["id"] for queue in entities] == [some_id(3), some_id(2), some_id(1)]
    assert lines_of(show("queues")) == [
        ["id", "name"],
        [some_id(3), "Internet support"],
        [some_id(2), "sales"],
        [some_id(1), "Support"],
    ]


def test_who_is_not_active_is_marked(show: List) -> None:
    """Users have states; programs get all of them."""
    entities = json.loads(show("users", "--json").stdout)["entities"]

    assert lines_of(show("users"))[1:] == [
        [some_id(11), "Ann"],
        [some_id(12), "Bob", "inactive"],
        [some_id(13), "Cem", "deleted"],
    ]
    assert [user["state"] for user in entities] == ["active", "inactive", "deleted"]


def test_json(show: List) -> None:
    """An object for the job's one org; a state that is not known is null."""
    assert json.loads(show("queues", "--json", "--like", "SUP*").stdout) == {
        "job": "job",
        "table": "queues",
        "entities": [{"id": some_id(1), "name": "Support", "state": None}],
    }


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("sup*", ["Support"]),
        ("*SUPPORT", ["Internet support", "Support"]),
        ("s?les", ["sales"]),
        ("[st]*", ["sales", "Support"]),
        ("support", ["Support"]),
        (some_id(2), ["sales"]),
        ("*", ["Internet support", "sales", "Support"]),
    ],
)
def test_like_is_a_pattern_of_the_shell(
    show: List, pattern: str, names: list[str]
) -> None:
    """For the whole name or id, in any case."""
    lines = lines_of(show("queues", "--like", pattern))

    assert [line[1] for line in lines[1:]] == names


def test_deleted_ones_are_marked(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the service lists them; without the permission for them, it is said."""
    gone = {"wrapup_codes": [{"id": some_id(22), "name": "Lost"}]}
    org = replace(ORG, deleted_entities=gone)
    allowed = frozenset({"routing:wrapupCode:view"})

    shown = listing(workspace_of(org), monkeypatch, "wrapup_codes")
    barred = listing(
        workspace_of(org, permissions=allowed), monkeypatch, "wrapup_codes"
    )

    assert [some_id(22), "Lost", "deleted"] in lines_of(shown)
    assert shown.stderr == ""
    assert len(lines_of(barred)) == 2
    (warning,) = barred.stderr.splitlines()
    assert warning.startswith("warning: deleted wrap-up codes are not all listed: ")
    assert "routing:wrapupCode:search" in warning


@pytest.mark.parametrize(
    ("table", "entity", "shown"),
    [
        ("flows", {"name": "Main", "deleted": True}, ("Main", "deleted")),
        ("skills", {"name": "German", "state": "inactive"}, ("German", "inactive")),
        (
            "presence_definitions",
            {"languageLabels": {"en_US": "Lunch"}, "deactivated": True},
            ("Lunch", "inactive"),
        ),
        (
            "journey_segments",
            {"displayName": "Buyers", "isActive": False},
            ("Buyers", "inactive"),
        ),
        ("campaigns", {"name": None}, (some_id(31), None)),
        ("organization", {"name": "Acme"}, ("Acme", None)),
    ],
)
def test_every_kind_has_its_own_name_and_state(
    workspace_of: "WorkspaceOf",
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    entity: dict[str, object],
    shown: tuple[str, str | None],
) -> None:
    """In the fields of its kind; without a name, the id stands for it."""
    org = replace(ORG, entities={table: [{"id": some_id(31), **entity}]})

    done = listing(workspace_of(org), monkeypatch, table, "--json")

    (one,) = json.loads(done.stdout)["entities"]
    assert (one["id"], one["name"], one["state"]) == (some_id(31), *shown)


def test_names_are_shown_as_they_are(show: List) -> None:
    """In a line; brackets are no markup, and colons no pictures."""
    assert lines_of(show("wrapup-codes"))[1:] == [[some_id(21), "[red] :bell: sold"]]


def test_a_job_without_a_query_will_do(
    org: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its org and credentials count."""
    path = org.write()
    sections = json.loads(path.read_text("utf-8"))
    exports = [{"exporter": "csv", "table": "teams", "path": "teams.csv"}]
    lists = {"name": "lists", "org": sections["org"], "exports": exports}
    path.write_text(json.dumps(lists), "utf-8")
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", org.simulator.client_secret)

    done = CliRunner().invoke(app, ["list", "queues", str(path)])

    assert len(lines_of(done)) == 4


def test_nothing_is_stored_and_no_data_requested(org: "Workspace", show: List) -> None:
    """Only the listing that was asked for is read, whatever the job exports."""
    show("users")

    paths = {entry.path for entry in org.simulator.requests("/api/v2/")}
    assert paths == {"/api/v2/users"}
    assert [path.name for path in org.folder.iterdir()] == ["job.yaml"]


def test_all_pages_are_read(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that fails is asked for again, as in a run."""
    queues = tuple(Queue(id=some_id(n), name=f"Queue {n:03}") for n in range(1, 231))
    workspace = workspace_of(
        replace(ORG, queues=queues),
        faults=Faults(Fault("status", path="/routing/queues", nth=(2,))),
    )

    lines = lines_of(listing(workspace, monkeypatch, "queues"))

    assert [line[1] for line in lines[1:]] == [queue.name for queue in queues]
    pages, repeated = 3, 1
    assert len(workspace.simulator.requests("/routing/queues")) == 2 * pages + repeated


def test_a_missing_permission_is_named(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is exit 3, not an empty list."""
    workspace = workspace_of(ORG, permissions=frozenset({"routing:queue:view"}))

    refused = listing(workspace, monkeypatch, "wrapup_codes")

    check_refusal(refused, 3, "table wrapup_codes: ", "routing:wrapupCode:view")
    assert refused.stdout == ""
    assert listing(workspace, monkeypatch, "queues").exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param(
            ["queus"],
            ("list: unknown table 'queus': did you mean queues?", "`gcbatch tables`"),
            id="a misspelt table",
        ),
        pytest.param(
            ["queue_members"],
            ("list: queue_members has rows for each of the queues", "export the table"),
            id="a table of parents",
        ),
        pytest.param(
            ["external_contacts"],
            ("list: external contacts have no names", "export the table"),
            id="a table without names",
        ),
        pytest.param(
            ["queues", "--like", "Suport"],
            ("none of the queues is like 'Suport'", "the nearest: Support;"),
            id="a misspelt name",
        ),
        pytest.param(
            ["queues", "--like", "intrnet"],
            ("none of the queues", "the nearest: Internet support;", "'*intrnet*'"),
            id="a misspelt word of a name",
        ),
        pytest.param(
            ["queues", "--like", "*zzz*"],
            ("none of the queues is like '*zzz*'", "`gcbatch list queues JOB`"),
            id="nothing like it",
        ),
    ],
)
def test_wrong_input(show: List, args: list[str], words: tuple[str, ...]) -> None:
    """It says what is wrong and what to do, and exits with 2."""
    check_refusal(show(*args), 2, *words)


def test_an_org_may_list_nothing(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then this is said; it is no failure unless a name was wanted."""
    workspace = workspace_of(replace(ORG, wrap_up_codes=()))

    shown = listing(workspace, monkeypatch, "wrapup_codes")
    wanted = listing(workspace, monkeypatch, "wrapup_codes", "--like", "a*")

    assert (shown.exit_code, shown.stdout) == (0, "the org lists no wrap-up codes\n")
    check_refusal(wanted, 2, "none of the wrap-up codes", "the org lists no wrap-up")


class TestSeveralOrgs:
    def show(
        self,
        workspace_of: "WorkspaceOf",
        monkeypatch: pytest.MonkeyPatch,
        *args: str,
        wrong: str = "",
    ) -> Result:
        """Run the command on the orgs north and west; one may have a wrong secret."""
        two = orgs_of(workspace_of, "north", "west")
        for name, value in two.environ.items():
            monkeypatch.setenv(name, "wrong" if name == wrong else value)
        return CliRunner().invoke(app, ["list", "queues", str(two.write()), *args])

    def test_each_row_has_its_org(
        self, workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that several have stands once for each."""
        assert lines_of(self.show(workspace_of, monkeypatch)) == [
            ["id", "name", "org"],
            [SALES["north"], "Sales", "north"],
            [SALES["west"], "Sales", "west"],
            [SUPPORT["north"], "Support", "north"],
            [SUPPORT["west"], "Support", "west"],
        ]

    def test_one_that_fails_does_not_hide_the_other(
        self, workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Exit 3; programs get both, as from other commands."""
        done = self.show(
            workspace_of, monkeypatch, "--json", "--like", "sup*", wrong="WEST_SECRET"
        )
        north, west = json.loads(done.stdout)

        assert done.exit_code == 3
        assert [entity["name"] for entity in north["entities"]] == ["Support"]
        assert (west["org"], west["exit_code"]) == ("west", 3)
        check_refusal(done, 3, "error: west: ")


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    """`gcbatch list users job.yaml | head -1` ends in peace."""
    query = {"from": "1999-08-01", "to": "1999-08-08", "metrics": ["nOffered"]}
    job = {"name": "job", "org": {"simulator": True}, "query": query}
    (tmp_path / "job.yaml").write_text(json.dumps(job), "utf-8")
    done = first_line_of("list users job.yaml", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["id", "name"]
