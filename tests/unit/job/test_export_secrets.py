"""Secrets in the options of exports: never in the job file, never in a message."""

import json
import pickle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from gcbatch.errors import JobError
from gcbatch.exporting import reveal
from gcbatch.job import load_export, load_job
from gcbatch.job.job import Job
from tests.support.locked_exporter import PLACE, LockedOptions
from tests.unit.job.test_load import NOW, usual

PASSWORD = "p@ss/w'or d%41"
URI = f"postgresql://user:{quote(PASSWORD, safe='')}@host/db"
LITERAL = "must not be in the file; write ${NAME} and set NAME"
LITERAL_IN_URI = (
    "the password must not be in the file; write ${NAME} in its place, as a whole, and "
    "set NAME"
)
ENVIRON = {
    "GENESYS_CLIENT_SECRET": "correct-horse-battery",
    "GENESYS_CLIENT_ID": "an-id",
    "PG_PASSWORD": PASSWORD,
    "PG_USER": "user",
    "PG_URI": URI,
    "KIND": PLACE,
}


def job_with(folder: Path, *, settings: Any = None, **options: Any) -> Job:
    export = {"exporter": PLACE, "table": "intervals", "path": "x", **options}
    path = folder / "job.yaml"
    path.write_text(json.dumps(usual(exports=[export]), indent=1), "utf-8")
    return load_job(path, now=NOW, environ=ENVIRON, settings=settings)


def options_of(job: Job) -> LockedOptions:
    (export,) = job.expanded_exports
    options = load_export(export).options
    assert isinstance(options, LockedOptions)
    return options


def problems_with(folder: Path, **options: Any) -> list[str]:
    """Return the lines of the error, after a look for the secrets in all of it."""
    with pytest.raises(JobError) as failed:
        job_with(folder, **options)
    said = f"{failed.value!r} {failed.value.problem} {failed.value.hint}"
    for secret in (PASSWORD, URI, quote(PASSWORD, safe=""), "hunter", "ss/w"):
        assert secret not in said
    assert failed.value.__cause__ is None
    return failed.value.problem.replace(f"{folder}/", "").split("\n")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${PG_URI}", URI),
        ("postgresql://user:${PG_PASSWORD}@host/db", URI),
        ("postgresql://${PG_USER}:${PG_PASSWORD}@host/db", URI),
        ("postgresql://user@host/db", "postgresql://user@host/db"),
        (
            "postgresql://host/db?password=${PG_PASSWORD}&a=b",
            f"postgresql://host/db?password={quote(PASSWORD, safe='')}&a=b",
        ),
        (
            "host=h user=${PG_USER} password=${PG_PASSWORD}",
            r"host=h user=user password='p@ss/w\'or d%41'",
        ),
    ],
)
def test_a_uri_may_be_in_the_file_without_its_password(
    tmp_path: Path, written: str, value: str
) -> None:
    """A variable is the password as it is; it is encoded as its place needs."""
    job = job_with(tmp_path, uri=written)

    uri = options_of(job).uri
    assert uri is not None
    assert reveal(uri) == value


def test_secrets_may_be_variables_or_files(tmp_path: Path) -> None:
    """A file is read at use, not when the job is read."""
    file = tmp_path / "secret"
    job = job_with(tmp_path, uri={"file": str(file)}, password="${PG_PASSWORD}")

    file.write_text("x://y\n")

    options = options_of(job)
    assert options.uri is not None
    assert options.password is not None
    assert reveal(options.uri) == "x://y"
    assert reveal(options.password) == PASSWORD


@pytest.mark.parametrize(
    "options",
    [{"uri": "${PG_URI}"}, {"uri": "x://u:${PG_PASSWORD}@h", "password": "${PG_URI}"}],
)
def test_a_job_shows_no_secret(tmp_path: Path, options: dict[str, str]) -> None:
    """In its repr, its dumps, and those of what becomes of its exports."""
    job = job_with(tmp_path, **options)
    one = job.expanded_exports[0]

    shown = f"{job!r} {job} {job.model_dump()} {job.model_dump_json()} {one!r}"
    shown += f"{one.spec.model_dump(mode='json')} {load_export(one)!r}"

    assert PASSWORD not in shown
    assert quote(PASSWORD, safe="") not in shown


def test_workers_get_no_secret_of_exports(tmp_path: Path) -> None:
    """The sections that travel to workers have none."""
    job = job_with(tmp_path, password="${PG_PASSWORD}")

    sent = pickle.dumps((job.engine, job.fetch, job.query))

    assert PASSWORD.encode() not in sent


@pytest.mark.parametrize(
    "value", ["hunter", "x${PG_PASSWORD}", "${PG_PASSWORD}${PG_URI}", "", 5, ["hunter"]]
)
def test_a_literal_secret_is_refused(tmp_path: Path, value: Any) -> None:
    """Also one with a variable in it, or of another type."""
    assert problems_with(tmp_path, password=value) == [
        f"job.yaml:26: exports[0].password: {LITERAL}"
    ]


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://u:hunter@h/db",
        "postgresql://u:hunter/2@h/db",
        "postgresql://u:hunter${PG_PASSWORD}@h/db",
        "postgresql://u:${PG_PASSWORD}hunter@h/db",
        "postgresql://h/db?password=hunter",
        "postgresql://h/db?PASS%57ORD=hunter",
        "postgresql://u:${PG_PASSWORD}@h/db?sslpassword=hunter",
        "host=x password=hunter",
        "u:hunter@h",
    ],
)
def test_a_literal_password_in_a_uri_is_refused(tmp_path: Path, value: str) -> None:
    """Wherever it is in it; also beside one that is a variable."""
    assert problems_with(tmp_path, uri=value) == [
        f"job.yaml:26: exports[0].uri: {LITERAL_IN_URI}"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("exports.0.uri", "postgresql://u:hunter@h/db"),
        ("exports.0.password", "hunter"),
        (
            "exports.0",
            f"{{exporter: '{PLACE}', table: users, path: x, password: hunter}}",
        ),
    ],
)
def test_one_on_the_command_line_is_refused(
    tmp_path: Path, key: str, value: str
) -> None:
    """An override is no way round: command lines are seen by all of a machine."""
    (line,) = problems_with(tmp_path, settings={key: value})

    assert line.startswith(f"--set {key}")
    assert "must not be in the file" in line


def test_a_variable_on_the_command_line_is_filled_in(tmp_path: Path) -> None:
    """As one of the file is."""
    job = job_with(tmp_path, settings={"exports.0.password": "${PG_PASSWORD}"})

    assert options_of(job).password == SecretStr(PASSWORD)


@pytest.mark.parametrize("value", ["${NONE}", "x://u:${NONE}@h", "x://${NONE}@h"])
def test_a_variable_without_a_value_is_named(tmp_path: Path, value: str) -> None:
    """Once."""
    (line,) = problems_with(tmp_path, uri=value)

    assert line.endswith("exports[0].uri: environment variable NONE is not set")


def test_the_exporter_may_be_a_variable_too(tmp_path: Path) -> None:
    """Its options are known all the same."""
    (line,) = problems_with(tmp_path, exporter="${KIND}", password="hunter")

    assert "must not be in the file" in line


def test_a_secret_in_a_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    """The password of a URI may be used elsewhere by mistake, in any form."""
    lines = problems_with(
        tmp_path,
        uri="${PG_URI}",
        period="${PG_PASSWORD}",
        fails_in=f"x{quote(PASSWORD)}",
    )

    assert 'exports[0].period: unknown period "[hidden]"' in lines[0]


def test_a_refused_password_is_not_repeated_elsewhere(tmp_path: Path) -> None:
    """It is a secret too, though it was in the file."""
    lines = problems_with(
        tmp_path, uri="x://u:hunter@h", period="hunter", table="intervals"
    )

    assert len(lines) == 2


def test_a_secret_is_no_output(tmp_path: Path) -> None:
    """The file of a secret is an input of the job, which no export may overwrite."""
    path = str(tmp_path / "secret")

    (line,) = problems_with(tmp_path, password={"file": path}, path=path)

    assert line.endswith("secret is the secret's file")


@pytest.mark.parametrize("value", [{"hunter": None}, {"file": "x", "hunter": 1}, {}])
def test_a_secret_that_became_a_mapping_is_refused(
    tmp_path: Path, value: dict[str, Any]
) -> None:
    """As YAML reads one that begins with a brace; its keys are not repeated."""
    (line,) = problems_with(tmp_path, password=value)

    assert line.endswith("exports[0].password: is neither ${NAME} nor {file: /path}")


@pytest.mark.parametrize("value", [{"file": 5}, {"file": ""}, {"file": ["x"]}])
def test_a_wrong_file_is_refused(tmp_path: Path, value: dict[str, Any]) -> None:
    """With the key that is wrong."""
    lines = problems_with(tmp_path, password=value)

    assert all("exports[0].password" in line for line in lines)


@pytest.mark.parametrize("raises", ["JobError", "ValueError", "KeyError"])
def test_an_exporter_that_fails_at_its_destinations_shows_none(
    tmp_path: Path, raises: str
) -> None:
    """Exporters are made when the job is read, to compare where they write."""
    lines = problems_with(
        tmp_path,
        exporter="tests.support.locked_exporter:Shared",
        uri="${PG_URI}",
        fails_in="init",
        raises=raises,
    )

    assert "[hidden]" in lines[0]
    assert "exports[0]: " in lines[0]
