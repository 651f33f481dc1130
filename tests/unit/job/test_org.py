"""The sections `orgs` and, of what they share, the rest of a job file."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch import Job, JobError, load_job
from gcbatch.exporting import SecretFile
from gcbatch.job.query import QueueFile

ENVIRON = {"NORTH_SECRET": "topmost", "SOUTH_SECRET": "nethermost"}


def org(name: str = "north", **more: Any) -> dict[str, Any]:
    secret = f"${{{name.upper()}_SECRET}}"
    return {
        "region": "eu-west-1",
        "client_id": f"{name}-client",
        "client_secret": secret,
        **more,
    }


def written(folder: Path, **sections: Any) -> Path:
    """Write a job file, a key or value a line; None leaves a section out."""
    job: dict[str, Any] = {
        "name": "many",
        "orgs": {"north": org(), "south": org("south")},
        "query": {
            "from": "2026-03-02",
            "to": "2026-03-09",
            "timezone": "Europe/Dublin",
            "granularity": "PT1H",
            "metrics": ["nOffered"],
        },
    }
    job |= sections
    path = folder / "job.yaml"
    kept = {key: value for key, value in job.items() if value is not None}
    path.write_text(json.dumps(kept, indent=1), "utf-8")
    return path


def loaded(folder: Path, **sections: Any) -> Job:
    return load_job(written(folder, **sections), environ=ENVIRON)


def refused(folder: Path, **sections: Any) -> list[str]:
    """Return the problems, without the path before `:line:`."""
    path = written(folder, **sections)
    with pytest.raises(JobError) as failed:
        load_job(path, environ=ENVIRON)
    return [line.removeprefix(str(path)) for line in failed.value.problem.split("\n")]


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "job.yaml").read_text("utf-8").splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line)


class TestShares:
    def test_come_in_the_order_of_names(self, tmp_path: Path) -> None:
        """Whatever order the file has."""
        job = loaded(tmp_path, orgs={"b": org(), "a": org("south"), "B1": org()})

        assert [share.org_name for share in job.per_org()] == ["B1", "a", "b"]

    def test_take_what_is_the_jobs(self, tmp_path: Path) -> None:
        """All but the keys of its own is the same for each."""
        fetch = {"requests_per_minute": 250, "reserve": 10, "concurrency": 3}
        job = loaded(tmp_path, fetch=fetch)

        shares = job.per_org()
        assert len(shares) == 2
        for share in shares:
            assert (share.query, share.fetch) == (job.query, job.fetch)
            assert share.exports == job.exports

    def test_have_what_is_their_own(self, tmp_path: Path) -> None:
        """Queues, time zone, ceiling and reserve; the other org's stay the job's."""
        own = {
            "queues": ["Support"],
            "timezone": "Asia/Tokyo",
            "requests_per_minute": 30,
            "reserve": 50,
        }
        job = loaded(tmp_path, orgs={"north": org(), "south": org("south", **own)})

        north, south = job.per_org()

        assert (north.query.queues, north.query.timezone) == (None, "Europe/Dublin")
        assert (south.query.queues, south.query.timezone) == (
            ("Support",),
            "Asia/Tokyo",
        )
        assert (north.fetch.requests_per_minute, north.fetch.reserve) == (300, 0)
        assert (south.fetch.requests_per_minute, south.fetch.reserve) == (30, 50)

    def test_a_reserve_of_nothing_is_one(self, tmp_path: Path) -> None:
        """0 is a value, and wins over the job's."""
        job = loaded(tmp_path, fetch={"reserve": 20}, orgs={"north": org(reserve=0)})

        assert job.per_org()[0].fetch.reserve == 0

    def test_have_folders_that_no_job_has(self, tmp_path: Path) -> None:
        """Job `a` with org `b` and job `a@b` cannot meet: no name has an @."""
        job = loaded(tmp_path)

        assert [share.store_name for share in job.per_org()] == [
            "many@north",
            "many@south",
        ]
        assert "must be letters" in refused(tmp_path, name="many@north")[0]

    def test_one_org_is_its_own_share(self, tmp_path: Path) -> None:
        """A job with `org` is as it ever was."""
        job = loaded(tmp_path, orgs=None, org=org())

        assert job.per_org() == (job,)
        assert (job.org_name, job.store_name) == ("", "many")

    def test_files_are_files(self, tmp_path: Path) -> None:
        """Queues and secrets can be files, as with one org."""
        north = org(queues={"file": "q.txt"}, client_secret={"file": "/run/s"})

        (share,) = loaded(tmp_path, orgs={"north": north}).per_org()

        assert share.query.queues == QueueFile(file=Path("q.txt"))
        assert share.own_org.client_secret == SecretFile(file=Path("/run/s"))


class TestRefused:
    def test_both(self, tmp_path: Path) -> None:
        """With the line of the one that is one too many."""
        (problem,) = refused(tmp_path, org=org())

        line = line_of(tmp_path, '"org"')
        assert problem == f":{line}: org: give either org or orgs"

    def test_neither(self, tmp_path: Path) -> None:
        """Somebody has to be asked."""
        (problem,) = refused(tmp_path, orgs=None)

        assert problem == ":1: org: give either org or orgs"

    def test_none_at_all(self, tmp_path: Path) -> None:
        """No org is not several."""
        assert refused(tmp_path, orgs={}) == [":3: orgs: must not be empty"]

    def test_a_secret_in_the_file(self, tmp_path: Path) -> None:
        """As with one org; the message has the line and never the secret."""
        orgs = {"north": org(), "south": org(client_secret="hush-hush")}

        problems = refused(tmp_path, orgs=orgs)

        place = f":{line_of(tmp_path, 'hush-hush')}: orgs.south.client_secret"
        why = "must not be in the file; write ${NAME} and set NAME"
        assert problems == [f"{place}: {why}"]

    def test_a_secret_put_elsewhere_is_not_repeated(self, tmp_path: Path) -> None:
        """Nor where another key is given its value by mistake."""
        orgs = {"north": org(), "south": org("south", region="${SOUTH_SECRET}")}

        (problem,) = refused(tmp_path, orgs=orgs)

        assert "[hidden]" in problem
        assert "nethermost" not in problem

    def test_a_variable_that_is_not_set(self, tmp_path: Path) -> None:
        """Each is named at its place."""
        problems = refused(tmp_path, orgs={"north": org(), "east": org("east")})

        (problem,) = problems
        assert "orgs.east.client_secret: environment variable EAST_SECRET" in problem

    @pytest.mark.parametrize(
        ("own", "said"),
        [
            ({"regoin": "x"}, "orgs.north.regoin: unknown key 'regoin': did you mean"),
            ({"token": {"pth": "/x"}}, "orgs.north.token.pth: unknown key 'pth'"),
            ({"timezone": "Mars"}, "orgs.north.timezone: unknown time zone 'Mars'"),
            ({"queues": []}, "orgs.north.queues: must not be empty"),
            ({"reserve": 100}, "orgs.north.reserve: must be less than 100"),
            ({"region": "eu-west-9"}, "orgs.north.region: unknown region"),
        ],
    )
    def test_what_is_no_key_or_value(
        self, tmp_path: Path, own: dict[str, Any], said: str
    ) -> None:
        """With place and the nearest right word, as everywhere."""
        (problem,) = refused(tmp_path, orgs={"north": org(**own)})

        assert said in problem

    def test_suggests_keys_of_the_right_section(self, tmp_path: Path) -> None:
        """An org may be called like a section."""
        (problem,) = refused(tmp_path, orgs={"token": org(timezon="UTC")})

        assert "did you mean timezone?" in problem

    def test_a_name_that_is_no_folders(self, tmp_path: Path) -> None:
        """The store has a folder of that name."""
        (problem,) = refused(tmp_path, orgs={"../north": org()})

        assert "orgs.../north: must be letters, digits, dots" in problem

    def test_names_that_some_systems_confuse(self, tmp_path: Path) -> None:
        """Two orgs must not share a folder where case does not count."""
        (problem,) = refused(tmp_path, orgs={"north": org(), "North": org("south")})

        assert "orgs.North: differs from north only by case" in problem

    def test_queues_where_there_are_none_to_ask(self, tmp_path: Path) -> None:
        """An org's own key is checked with the job's endpoint."""
        query = {
            "endpoint": "user-aggregates",
            "from": "2026-03-02",
            "to": "2026-03-03",
            "metrics": ["tAgentRoutingStatus"],
        }

        (problem,) = refused(
            tmp_path, query=query, orgs={"north": org(queues=["Support"])}
        )

        assert "orgs.north.queues: user-aggregates has no queueId" in problem

    def test_a_range_that_is_none_in_its_zone(self, tmp_path: Path) -> None:
        """Midnight of one zone is no edge of a bucket of another's."""
        query = {
            "from": "2026-03-02T00:00:00Z",
            "to": "2026-03-04T00:00:00Z",
            "granularity": "P1D",
            "metrics": ["nOffered"],
        }
        orgs = {"north": org(), "south": org("south", timezone="Asia/Tokyo")}

        (problem,) = refused(tmp_path, query=query, orgs=orgs)

        line = line_of(tmp_path, "Asia/Tokyo")
        assert problem.startswith(f":{line}: orgs.south.timezone: from ")

    def test_a_bad_range_is_reported_once(self, tmp_path: Path) -> None:
        """Not for each org."""
        query = {"from": "2026-03-04", "to": "2026-03-02", "metrics": ["nOffered"]}

        assert len(refused(tmp_path, query=query)) == 1

    def test_an_export_onto_a_file_of_queues(self, tmp_path: Path) -> None:
        """What an org reads is not written over."""
        queues = tmp_path / "queues.txt"
        export = {"exporter": "csv", "table": "intervals", "path": str(queues)}
        orgs = {"north": org(), "south": org("south", queues={"file": str(queues)})}

        (problem,) = refused(tmp_path, orgs=orgs, exports=[export])

        assert "is the file of queues" in problem


class TestOverrides:
    def test_reach_an_org(self, tmp_path: Path) -> None:
        """`--set` goes by the name."""
        job = load_job(
            written(tmp_path),
            environ=ENVIRON,
            settings={"orgs.south.requests_per_minute": "60"},
        )

        paces = [share.fetch.requests_per_minute for share in job.per_org()]
        assert paces == [300, 60]

    def test_reach_the_short_form_of_an_engine(self, tmp_path: Path) -> None:
        """`engine: dask` with `--workers 4` is both."""
        job = load_job(
            written(tmp_path, engine="dask"),
            environ=ENVIRON,
            settings={"engine.workers": "4"},
        )

        assert (job.engine.name, job.engine.workers) == ("dask", 4)
