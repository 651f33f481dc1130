"""From a job file to a Job: every problem at once, each with its place."""

import json
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.errors import JobError
from gcbatch.job.job import Job
from gcbatch.job.load import load_job

NOW = datetime(2026, 10, 16, 13, 47, tzinfo=UTC)
SECRET = "correct-horse-battery"
ENVIRON = {"GENESYS_CLIENT_SECRET": SECRET, "GENESYS_CLIENT_ID": "an-id", "EMPTY": ""}
USUAL: dict[str, Any] = {
    "name": "retail",
    "org": {
        "region": "eu-west-1",
        "client_id": "${GENESYS_CLIENT_ID}",
        "client_secret": "${GENESYS_CLIENT_SECRET}",
    },
    "query": {
        "from": "2026-10-01",
        "to": "2026-10-08",
        "timezone": "Europe/Dublin",
        "granularity": "PT1H",
        "metrics": ["nOffered", "tHandle"],
    },
    "fetch": {"concurrency": 4},
    "exports": [{"exporter": "csv", "table": "intervals", "path": "out.csv"}],
}


def read(
    folder: Path,
    text: str | dict[str, Any],
    **settings: str,
) -> Job:
    path = folder / "job.yaml"
    written = text if isinstance(text, str) else json.dumps(text, indent=1)
    path.write_text(written, "utf-8")
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    return load_job(path, now=NOW, environ=ENVIRON, settings=overrides)


def problems(folder: Path, text: str | dict[str, Any], **kw: str) -> list[str]:
    """Return the lines of the error, without the folder's path."""
    with pytest.raises(JobError) as caught:
        read(folder, text, **kw)
    assert SECRET not in f"{caught.value.problem} {caught.value.hint}"
    return [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]


def usual(**sections: Any) -> dict[str, Any]:
    """Return the usual job with keys of sections replaced; None removes one."""
    job = deepcopy(USUAL)
    for section, change in sections.items():
        if isinstance(change, dict) and isinstance(job.get(section), dict):
            job[section].update(change)
            for key in [k for k, v in change.items() if v is None]:
                del job[section][key]
        else:
            job[section] = change
    return job


def test_a_whole_file_becomes_a_job(tmp_path: Path) -> None:
    """Values come from the file and the environment, the rest are defaults."""
    job = read(tmp_path, USUAL)

    assert (job.name, job.own_org.client_id, job.fetch.concurrency) == (
        "retail",
        "an-id",
        4,
    )
    assert job.query.group_by == ("queueId",)
    assert job.query.granularity is not None
    assert job.exports[0].options == {"path": "out.csv"}


def test_a_secret_is_in_no_repr(tmp_path: Path) -> None:
    """Printing a job, or dumping it, shows no secret."""
    job = read(tmp_path, USUAL)

    assert SECRET not in f"{job!r} {job} {job.model_dump_json()} {job.org!r}"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    """Each line has file:line, key path and the way out, in the order of the file."""
    text = """\
name: a b
org: {region: eu-west-9, client_id: x, client_secret: correct-horse-battery}
query:
  from: 2026-10-01
  to: someday
  timezone: Europe/Dubln
  granularity: PT7M
  metrics: [nOfered, tHandle]
  group_by: [queueIds]
fetch:
  concurency: 3
  chunk: 7
exports:
  - exporter: csv
  - {exporter: csv, table: intervals, tables: [intervals]}
"""
    found = problems(tmp_path, text)

    places = [line.split(": ")[:2] for line in found]
    assert places == [
        ["job.yaml:1", "name"],
        ["job.yaml:2", "org.client_secret"],
        ["job.yaml:2", "org.region"],
        ["job.yaml:5", "query.to"],
        ["job.yaml:6", "query.timezone"],
        ["job.yaml:7", "query.granularity"],
        ["job.yaml:8", "query.metrics[0]"],
        ["job.yaml:9", "query.group_by[0]"],
        ["job.yaml:11", "fetch.concurency"],
        ["job.yaml:12", "fetch.chunk"],
        ["job.yaml:14", "exports[0]"],
        ["job.yaml:15", "exports[1]"],
    ]
    said = "\n".join(found)
    for nearest in ("eu-west-2", "nOffered", "queueId", "Europe/Dublin", "concurrency"):
        assert f"did you mean {nearest}?" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"query": {"metrics": "nOffered"}}, "must be a list", id="list"),
        pytest.param({"fetch": {"concurrency": 0}}, "must be greater", id="low"),
        pytest.param({"fetch": {"concurrency": 1.5}}, "must be a whole", id="whole"),
        pytest.param({"fetch": 3}, "fetch: must be a mapping", id="section"),
        pytest.param({"name": 5}, "name: must be text; quote it", id="text"),
        pytest.param({"name": None}, "name: must be text", id="null"),
        pytest.param({"query": {"from": None}}, "query.from: is required", id="from"),
        pytest.param({"query": {"queues": []}}, "must not be empty", id="empty"),
        pytest.param({"fetch": {"chunk": "P99Y"}}, "longer than P10Y", id="long"),
        pytest.param({"fetch": {"settle": "P99999D"}}, "longer", id="long settle"),
        pytest.param({"sla": {"target": 101}}, "sla.target: must be less", id="target"),
        pytest.param({"sla": {"target": "x"}}, "must be a number", id="number"),
        pytest.param({"org": {"simulator": "?"}}, "must be true or false", id="bool"),
        pytest.param({"exports": {}}, "exports: must be a list", id="exports"),
        pytest.param(
            {"query": {"from": "2026-10-09"}}, "must be before to", id="order"
        ),
        pytest.param({"query": {"to": "2026-10-08T01:30"}}, "query.to: to", id="edge"),
        pytest.param(
            {"query": {"to": "9999-12-31"}},
            "query.to: to (9999-12-31) is not",
            id="far",
        ),
        pytest.param({"surprise": 1}, "unknown key 'surprise'", id="unknown key"),
    ],
)
def test_a_problem_is_reported_in_words(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    """Messages are ours: what it must be, at the key that is wrong."""
    assert expected in "\n".join(problems(tmp_path, usual(**change)))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"queues": [5]}, "query.queues[0]"),
        ({"media_types": ["phone"]}, "query.media_types[0]"),
        (
            {
                "filter": {
                    "type": "and",
                    "clauses": [{"type": "or", "predicates": [{"is": 1}]}],
                }
            },
            "query.filter.clauses[0].predicates[0].is",
        ),
    ],
)
def test_a_list_of_wrong_values_is_not_called_empty(
    tmp_path: Path, change: dict[str, Any], where: str
) -> None:
    """One slip is one problem, though pydantic counts good values only."""
    (reported,) = problems(tmp_path, usual(query=change))

    assert f": {where}: " in reported


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "job.yaml:1: is empty"),
        ("# nothing\n", "job.yaml:1: is empty"),
        ("- a\n", "job.yaml:1: a job file is a mapping"),
        ("just text", "job.yaml:1: a job file is a mapping"),
    ],
)
def test_what_is_no_mapping_is_refused(
    tmp_path: Path, text: str, expected: str
) -> None:
    """For an empty file and a list, the message says what a job file is."""
    assert problems(tmp_path, text)[0].startswith(expected)


def test_a_key_given_twice_is_a_problem_of_its_own(tmp_path: Path) -> None:
    """Duplicates are reported with everything else."""
    text = json.dumps(USUAL)[:-1] + ', "name": "other"}'

    assert problems(tmp_path, text) == [
        "job.yaml:1: name: is given twice, on lines 1 and 1"
    ]


class TestSecrets:
    @pytest.mark.parametrize(
        "value", [SECRET, f"x${{EMPTY}}{SECRET}", f"{SECRET}${{EMPTY}}", "$NAME", ""]
    )
    def test_one_in_the_file_is_refused(self, tmp_path: Path, value: str) -> None:
        """Only a variable may stand there, whole; what stood there is not repeated."""
        found = problems(tmp_path, usual(org={"client_secret": value}))

        (reported,) = found
        assert reported == (
            "job.yaml:6: org.client_secret: "
            "must not be in the file; write ${NAME} and set NAME"
        )

    @pytest.mark.parametrize(
        "settings",
        [
            {"org__client_secret": SECRET},
            {"org": f"{{region: eu-west-1, client_id: a, client_secret: {SECRET}}}"},
        ],
    )
    def test_one_on_the_command_line_is_refused(
        self, tmp_path: Path, settings: dict[str, str]
    ) -> None:
        """An override is no way round: command lines are seen by all of a machine."""
        (found,) = problems(tmp_path, USUAL, **settings)

        assert "must not be in the file" in found
        assert found.startswith("--set org")

    @pytest.mark.parametrize("value", [123456, [SECRET], {"file": 3}, True, 1.5])
    def test_one_that_is_no_text_is_refused(self, tmp_path: Path, value: Any) -> None:
        """A number or a list is no secret either, and is not repeated."""
        (found,) = problems(tmp_path, usual(org={"client_secret": value}))

        assert "org.client_secret" in found
        assert "123456" not in found

    def test_one_may_be_in_a_file_of_its_own(self, tmp_path: Path) -> None:
        """A path is no secret; it is read when the run signs in."""
        path = "/run/secrets/genesys"
        job = read(tmp_path, usual(org={"client_secret": {"file": path}}))

        assert "/run/secrets/genesys" in repr(job.own_org.client_secret)


class TestVariables:
    def test_they_are_filled_in_anywhere(self, tmp_path: Path) -> None:
        """A variable may be part of a value, or be a number."""
        job = read(
            tmp_path,
            usual(
                name="run-${GENESYS_CLIENT_ID}",
                query={"queues": ["${GENESYS_CLIENT_ID}"]},
            ),
        )

        assert job.name == "run-an-id"
        assert job.query.queues == ("an-id",)

    @pytest.mark.parametrize("name", ["MISSING", "EMPTY"])
    def test_one_that_is_not_set_is_reported_once(
        self, tmp_path: Path, name: str
    ) -> None:
        """An empty one counts as missing; no second problem follows from it."""
        found = problems(tmp_path, usual(org={"region": f"${{{name}}}"}))

        assert found == [
            f"job.yaml:4: org.region: environment variable {name} is not set"
        ]

    def test_all_that_are_missing_in_a_value_are_named(self, tmp_path: Path) -> None:
        """Two in one value are one problem."""
        (found,) = problems(tmp_path, usual(name="${ONE}-${TWO}"))

        assert found.endswith("environment variable ONE, TWO is not set")


class TestOverrides:
    def test_they_win_over_the_file(self, tmp_path: Path) -> None:
        """A value is read as YAML; sections that are absent are made."""
        job = read(
            tmp_path,
            USUAL,
            fetch__concurrency="9",
            query__from="2026-10-02",
            sla__period="week",
            query__metrics="[nOffered, tAnswered, tAbandon, tHandle, oServiceLevel]",
        )

        assert job.fetch.concurrency == 9
        assert job.query.start == "2026-10-02"
        assert job.sla is not None
        assert job.sla.period == "week"

    def test_they_reach_into_lists(self, tmp_path: Path) -> None:
        """Entries are counted from 0."""
        job = read(
            tmp_path, USUAL, exports__0__path="b.csv", query__metrics__1="tAbandon"
        )

        assert job.exports[0].options == {"path": "b.csv"}
        assert job.query.metrics == ("nOffered", "tAbandon")

    def test_they_can_take_a_value_away(self, tmp_path: Path) -> None:
        """Nothing is null, the default."""
        job = read(tmp_path, usual(query={"queues": ["A"]}), query__queues="")

        assert job.query.queues is None

    @pytest.mark.parametrize(
        "key", ["exports.7.path", "exports.-1.path", "exports.x", "name.first"]
    )
    def test_a_missing_place_is_reported(self, tmp_path: Path, key: str) -> None:
        """An override that would do nothing is a problem, not a silence."""
        found = problems(tmp_path, USUAL, **{key: "1"})

        assert found[0].startswith(f"--set {key}: ")
        assert "there is no such place in the job file" in found[0]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("fetch.concurrency", "none"),
            ("fetch.concurency", "3"),
            ("query.metrics.0", "nOfered"),
            ("fetch", "{concurrency: 0}"),
            ("fetch.concurrency", "[1"),
        ],
    )
    def test_their_problems_name_the_option(
        self, tmp_path: Path, key: str, value: str
    ) -> None:
        """A problem of an override is not looked for in the file."""
        (found,) = problems(tmp_path, USUAL, **{key: value})

        assert found.startswith(f"--set {key}: ")


class TestExports:
    def test_what_an_exporter_finds_has_its_place(self, tmp_path: Path) -> None:
        """Problems of an exporter's own options are reported with the others."""
        export = {"exporter": "csv", "table": "intervals", "path": "ftp://host/a.csv"}

        found = problems(tmp_path, usual(name="a b", exports=[export]))

        assert [line.split(": ", 1)[1].partition(";")[0] for line in found] == [
            "name: must be letters, digits, dots, hyphens and underscores, at most 64",
            "exports[0].path: ftp://host/a.csv is a URL, not a path",
        ]

    def test_one_that_is_no_export_is_reported_once(self, tmp_path: Path) -> None:
        """The options of what is not an export are not checked."""
        found = problems(tmp_path, usual(exports=["csv"]))

        assert len(found) == 1
        assert "exports[0]" in found[0]


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(
            ["auto", "P1D", "PT0S", "P999999999D", "${X}", "${", "today-9999mo",
             "9999-12-31", "0001-01-01", "P9999Y", "http://127.0.0.1", "http://[",
             "UTC", "nan", "inf"]
        ),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip


def places(value: Any, loc: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where all values of plain data are."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [loc, *(p for k, v in inner for p in places(v, (*loc, k)))]


FULL = usual(
    query={
        "queues": ["A", "B"],
        "media_types": ["voice"],
        "filter": {
            "type": "and",
            "predicates": [{"dimension": "direction", "value": "inbound"}],
        },
        "views": [{"target": "tHandle", "name": "long", "range": {"gte": 1}}],
        "metrics": ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"],
    },
    fetch={"limits": {"expected_buckets": 5}, "chunk": "P1D", "settle": "P1D"},
    sla={"period": "day", "targets": {"A": 80}},
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_job_file_is_a_job_or_a_job_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever a file contains, the result is a job or a list of problems."""
    job = deepcopy(FULL)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(places(job)[1:]))
        inner: Any = job
        for key in way:
            inner = inner[key]
        if data.draw(st.booleans()):
            inner[last] = data.draw(junk)
        elif isinstance(inner, dict):
            inner[data.draw(st.text(max_size=6))] = inner.pop(last)
        else:
            inner.insert(last, data.draw(junk))

    try:
        made = read(tmp_path, job)
    except JobError as exc:
        assert exc.problem  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(made, Job)


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    """A variable that the secret comes from may be used elsewhere by mistake."""
    path = tmp_path / "job.yaml"
    path.write_text(
        "name: j\n"
        "org: {region: '${S}', client_id: x, client_secret: '${S}'}\n"
        "query: {from: today-7d, to: today, metrics: [nOffered], granularity: '${S}'}\n"
    )

    with pytest.raises(JobError) as failed:
        load_job(path, now=datetime.now(UTC), environ={"S": "hunter2-hunter2"})

    assert "hunter2" not in failed.value.problem
    assert "unknown region '[hidden]'" in failed.value.problem


class TestMode:
    """How aggregates are requested, which job files called `road` before."""

    def test_the_old_key_goes_on_working(self, tmp_path: Path) -> None:
        """It means the same, from the file and by `--set`."""
        new = read(tmp_path, usual(fetch={"mode": "jobs"}))

        assert read(tmp_path, usual(fetch={"road": "jobs"})) == new
        assert read(tmp_path, USUAL, fetch__road="jobs") == new

    def test_both_keys_at_once_are_a_problem(self, tmp_path: Path) -> None:
        """It names the line of the old one."""
        job = usual(fetch={"mode": "auto", "road": "jobs"})

        found = problems(tmp_path, job)

        line = json.dumps(job, indent=1).splitlines().index('  "road": "jobs"') + 1
        assert "\n".join(found) == (
            f"job.yaml:{line}: fetch.road: is the old name of mode, which is given "
            "too; remove road"
        )

    @pytest.mark.parametrize("key", ["mode", "road"])
    def test_a_wrong_value_has_its_place(self, tmp_path: Path, key: str) -> None:
        """A problem names the key that the file has."""
        (found, *_) = problems(tmp_path, usual(fetch={key: "slow"}))

        assert f": fetch.{key}: must be " in found
