"""What people write at first, and the message that says what to write instead."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import JobError
from gcbatch.genesys import REGIONS, region_of
from gcbatch.job import Job, load_job
from gcbatch.job.dates import check_date
from gcbatch.job.meant import meant_date, meant_duration

NOW = datetime(2026, 10, 16, 13, 47, tzinfo=UTC)
ENVIRON = {"GENESYS_CLIENT_ID": "an-id", "GENESYS_CLIENT_SECRET": "s3", "HOME": "/h"}
USUAL = {
    "org": "{simulator: true}",
    "metrics": "[nOffered]",
    "exports": "[{exporter: csv, table: intervals, path: o.csv}]",
}
CLIENT = 'client_id: "${GENESYS_CLIENT_ID}", client_secret: "${GENESYS_CLIENT_SECRET}"'


def read(folder: Path, settings: dict[str, str] | None = None, **values: str) -> Job:
    written = {**USUAL, **values}
    path = folder / "job.yaml"
    path.write_text(
        "name: j\n"
        f"org: {written['org']}\n"
        f"query: {{from: today-7d, to: today, metrics: {written['metrics']}}}\n"
        f"exports: {written['exports']}\n",
        "utf-8",
    )
    return load_job(path, now=NOW, environ=ENVIRON, settings=settings)


def problem(folder: Path, settings: dict[str, str] | None = None, **values: str) -> str:
    """Return the one problem, without the file's name."""
    with pytest.raises(JobError) as caught:
        read(folder, settings, **values)
    assert caught.value.hint is None  # to check it again is no help
    (line,) = caught.value.problem.splitlines()
    return line.removeprefix(f"{folder / 'job.yaml'}:")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "region: mypurecloud.ie",
            "'mypurecloud.ie' is no region; its domain is that of region: eu-west-1",
        ),
        ("region: https://apps.mypurecloud.de/", "that of region: eu-central-1"),
        ("region: login.usw2.pure.cloud", "that of region: us-west-2"),
        ("region: eu-west1", "unknown region 'eu-west1': did you mean eu-west-1?"),
        ("domain: eu-west-1", "eu-west-1 is a region; write region: eu-west-1"),
        (
            "domain: api.mypurecloud.ie",
            "'api.mypurecloud.ie' is no domain; write mypurecloud.ie, or region: eu-",
        ),
        ("domain: https://new.example", "must be a domain such as mypurecloud.ie"),
    ],
)
def test_a_region_and_a_domain_are_told_apart(
    tmp_path: Path, key: str, said: str
) -> None:
    """The message names the region of a domain, and the key that it belongs to."""
    assert said in problem(tmp_path, org=f"{{{key}, {CLIENT}}}")


def test_each_domain_has_its_region() -> None:
    """Also as a host or an address of it; another domain has none."""
    for region, domain in REGIONS.items():
        assert region_of(domain) == region
        assert region_of(f"https://api.{domain}:443/x") == region
    assert region_of("notmypurecloud.ie") == region_of("example.com") == ""


@pytest.mark.parametrize("key", ["region: eu-west-1", "domain: mypurecloud.ie"])
def test_a_region_and_its_domain_are_both_accepted(tmp_path: Path, key: str) -> None:
    """They mean the same hosts."""
    hosts = read(tmp_path, org=f"{{{key}, {CLIENT}}}").own_org.hosts

    assert hosts is not None
    assert hosts.api == "https://api.mypurecloud.ie"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"metrics": "nOffered"},
            "3: query.metrics: must be a list; write [nOffered]",
        ),
        (
            {"metrics": '"nOffered, tTalk"'},
            "query.metrics: must be a list; write [nOffered, tTalk]",
        ),
        ({"metrics": "5"}, "query.metrics: must be a list"),
        ({"metrics": "'[nOffered'"}, "query.metrics: must be a list"),
        (
            {"exports": "{exporter: csv, table: intervals, path: o.csv}"},
            "4: exports: must be a list; begin each entry with a hyphen",
        ),
        (
            {"exports": "[{exporter: csv, tables: intervals, path: o.csv}]"},
            "exports[0].tables: must be a list; write [intervals]",
        ),
    ],
)
def test_a_bare_value_is_shown_as_a_list(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    """Where the list is clear, the message has it; otherwise it says what is wrong."""
    found = problem(tmp_path, **values)

    assert found.endswith(said), found


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("$HOME/o.csv", "HOME"),
        ("$NOT_SET", "NOT_SET"),
        ("out/$HOME", "HOME"),
        ("${HOME", "NAME"),
        ("${HOME:-x}/o.csv", "NAME"),
        ("${}", "NAME"),
    ],
)
def test_a_variable_without_braces_is_refused(
    tmp_path: Path, path: str, name: str
) -> None:
    """It would be a folder called $HOME; nothing else is filled in either."""
    exports = f"[{{exporter: csv, table: intervals, path: '{path}'}}]"

    assert problem(tmp_path, exports=exports) == (
        f"4: exports[0].path: write a variable as ${{{name}}}, and no other way"
    )


@pytest.mark.parametrize("path", ["a$b.csv", "cost in $.csv", "5$", "$1.csv", "$"])
def test_other_dollar_signs_are_text(tmp_path: Path, path: str) -> None:
    """They begin no variable in a shell either, or stand within a word."""
    exports = f"[{{exporter: csv, table: intervals, path: '{path}'}}]"

    assert read(tmp_path, exports=exports).exports[0].options["path"] == path


def test_a_secret_without_braces_names_the_variable_if_there_is_one(
    tmp_path: Path,
) -> None:
    """Otherwise it may be a secret that begins with a dollar sign."""
    client = CLIENT.replace('"${GENESYS_CLIENT_SECRET}"', "$GENESYS_CLIENT_SECRET")
    org = f"{{region: eu-west-1, {client}}}"
    assert problem(tmp_path, org=org) == (
        "2: org.client_secret: write a variable in braces: ${GENESYS_CLIENT_SECRET}"
    )

    literal = problem(tmp_path, org=org.replace("$GENESYS_CLIENT_SECRET", "$hunter2"))
    assert literal.endswith("must not be in the file; write ${NAME} and set NAME")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fetch.concurency", "4", "unknown key: did you mean concurrency?"),
        ("concurrency", "4", "unknown key: did you mean fetch.concurrency?"),
        ("granularity", "P1D", "unknown key: did you mean query.granularity?"),
        ("fetch.concurrency", "x", "must be a whole number"),
        ("fetch.concurrency", "[1", "not valid YAML: expected ',' or ']'"),
        ("quer.to", "today", "quer: unknown key 'quer': did you mean query?"),
        (
            "query.metrics.7",
            "nOffered",
            "; query.metrics has 1 entry, and the first is",
        ),
        ("exports.a.path", "x", "; exports has 1 entry, and the first is 0"),
        ("zzz", "4", "unknown key; there are name, org, "),
    ],
)
def test_a_problem_of_an_override_names_its_key_once(
    tmp_path: Path, key: str, value: str, said: str
) -> None:
    """Then what is wrong, with the nearest key, also one of another section."""
    found = problem(tmp_path, {key: value})

    assert found.startswith(f"--set {key}: ")
    assert said in found
    assert found.count(key) == 1 or key in ("concurrency", "granularity")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("01/10/2026", "the year first, such as 2026-10-01"),
        ("1.10.2026", "the year first, such as 2026-10-01"),
        ("2026/1/5", "2026-01-05"),
        ("2026-1-5", "2026-01-05"),
        ("2026-2-30", ""),
        ("today - 7d", "today-7d"),
        ("Yesterday -2w", "yesterday-2w"),
        ("-7d", "today-7d"),
        ("-24h", "now-24h"),
        ("last week", ""),
    ],
)
def test_a_date_in_another_form_says_how_to_write_it(text: str, meant: str) -> None:
    """Which of two numbers is the month is not guessed."""
    assert meant_date(text) == meant
    with pytest.raises(ValueError, match="is not a date; ") as caught:
        check_date(text)
    assert str(caught.value).endswith(f"write {meant}" if meant else "now-24h")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1h", "PT1H"), ("30m", "PT30M"), ("30 min", "PT30M"), ("7d", "P7D"),
     ("2w", "P2W"), ("1mo", "P1M"), ("hourly", "PT1H"), ("Daily", "P1D"),
     ("often", ""), ("h", "")],
)  # fmt: skip
def test_a_duration_in_another_form_says_how_to_write_it(
    tmp_path: Path, text: str, meant: str
) -> None:
    """Minutes, hours, days and words; the message ends with the duration."""
    found = problem(tmp_path, {"query.granularity": f"'{text}'"})

    assert meant_duration(text) == meant
    assert "is not an ISO 8601 duration" in found
    assert found.endswith(f"; write {meant}") == bool(meant)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("a:\n\tb: 1\n", ":2: not valid YAML: found character", "indent with spaces"),
        ("a: 1\n  b: 2\n", ":2: not valid YAML", "align this line"),
        ("a:1\nb: 2\n", ":2: not valid YAML", "align this line"),
        ("a:\n    b: 1\n  c: 2\n", ":3: not valid YAML", "indentation of those above"),
        ("a: 1\nb\nc: 2\n", ":3: not valid YAML", "a colon and a space"),
        ("a: @x\n", ":1: not valid YAML", "in quotes"),
        ("a: {b: ${X}}\n", ":1: not valid YAML", 'in quotes: "${NAME}"'),
        (
            "a: 1\nb: 'x\nc: 2\nd: 3\n",
            ":2: not valid YAML: a quote is not closed",
            "quotes there",
        ),
        ("# nothing\n", ":1: is empty", "`gcbatch init` writes one"),
        ("- a\n", ":1: a job file is a mapping", "`gcbatch init` writes one"),
    ],
)
def test_what_is_no_yaml_says_what_to_do(
    tmp_path: Path, text: str, said: str, hint: str
) -> None:
    """With the line where it can be mended: a quote's is where it begins."""
    path = tmp_path / "job.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(JobError) as caught:
        load_job(path, environ=ENVIRON)

    assert f"{path}{said}" in caught.value.problem
    assert hint in (caught.value.hint or "")


def test_a_key_in_the_wrong_place_names_its_section(tmp_path: Path) -> None:
    """A line that lost its indentation is a key of another section."""
    path = tmp_path / "job.yaml"
    path.write_text(
        "name: j\norg: {simulator: true}\nquery: {from: today-1d, to: today}\n"
        "metrics: [nOffered]\n",
        "utf-8",
    )

    with pytest.raises(JobError) as caught:
        load_job(path, environ=ENVIRON)

    assert (
        "4: metrics: unknown key 'metrics': did you mean query.metrics?"
        in caught.value.problem
    )


def test_a_path_of_windows_in_double_quotes_is_refused(tmp_path: Path) -> None:
    r"""There a backslash begins an escape: \t is a tab."""
    path = r'"C:\temp\new.csv"'
    exports = f"[{{exporter: csv, table: intervals, path: {path}}}]"

    assert "write the path in single quotes" in problem(tmp_path, exports=exports)
    single = exports.replace('"', "'")
    written = read(tmp_path, exports=single).exports[0].options["path"]
    assert written == r"C:\temp\new.csv"
