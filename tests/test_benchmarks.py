"""Benchmarks run, and check what they measure; their limits are not for here."""

import re

import pytest

from benchmarks.details import main


def test_the_details_benchmark_checks_rows_and_prints_its_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A few hundred rows, once: no figure is judged, but all are told."""
    code = main(["--quick", "--latency-ms", "0"])

    told = capsys.readouterr().out
    assert code == 0
    assert "rows checked: 200 and 600" in told
    assert re.search(r"^bare loop( +\d+\.\d\d +\d+){2} +-?\d+\.\d$", told, re.MULTILINE)
    assert re.search(r"^gcbatch( +\d+\.\d\d +\d+){2} +-?\d+\.\d$", told, re.MULTILINE)
    assert re.search(r"^peak memory: \d+ MB, at most 200: ", told, re.MULTILINE)
