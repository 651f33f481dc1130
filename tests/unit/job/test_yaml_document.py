"""YAML with places: plain data by YAML 1.2, bounded, each value with its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import JobError
from gcbatch.job.yaml_document import MAX_BYTES, parse_scalar, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", 8),
        ("-3", -3),
        ("0.5", 0.5),
        ("-.5", -0.5),
        ("1.5e3", 1500.0),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("[a, 1]", ["a", 1]),
        ("{a: {b: c}}", {"a": {"b": "c"}}),
        ("'8'", "8"),
        ("!!str 8", "8"),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, expected: Any) -> None:
    """Numbers, true, false and null are what they look like."""
    value = parse_scalar(text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    ["No", "yes", "on", "TRUE", "0800", "0x1F", "0o17", "12:30", "1_000", "2026-10-01",
     "1.2.3", "+", ".", "=", "Null"],
)  # fmt: skip
def test_other_scalars_stay_text(text: str) -> None:
    """A queue called No or 0800 keeps its name, and a date its form."""
    assert parse_scalar(text) == text


def test_every_value_knows_its_line() -> None:
    """Keys, values and list entries have lines; what is missing has its parent's."""
    document = parse_yaml("a: 1\nb:\n  - x\n  -\n    c: 2\n", "job.yaml")

    lines = {loc: document.line(loc) for loc in ((), ("a",), ("b", 0), ("b", 1, "c"))}
    assert lines == {(): 1, ("a",): 1, ("b", 0): 3, ("b", 1, "c"): 5}
    assert document.line(("b", 1, "missing", "deeper")) == 5
    assert document.line(("z",)) == 1


def test_a_key_given_twice_names_both_lines() -> None:
    """The first value counts, and the second is reported."""
    document = parse_yaml("a: 1\nb: 2\na: 3\n", "job.yaml")

    assert document.data == {"a": 1, "b": 2}
    assert document.problems == [(("a",), "is given twice, on lines 1 and 3")]


def test_a_key_must_be_text() -> None:
    """A list as a key is reported with its line."""
    document = parse_yaml("a: 1\n? [b]\n: 2\n", "job.yaml")

    assert document.problems == [((), "line 2: a key must be text")]


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "9" * 5000,
        "a: !!bool maybe",
        "a: !!int ''",
        "a: !!int x",
        "a: !!float ''",
        "a: !!timestamp never",
    ],
)
def test_a_value_that_its_tag_does_not_fit_is_a_problem(text: str) -> None:
    """An error of the YAML library is reported like any other problem."""
    document = parse_yaml(text, "job.yaml")

    assert document.data == {"a": None}
    assert document.problems == [(("a",), "is not a usable value; quote it")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{<<: *b}", {"p": 1, "q": 2}, id="one"),
        pytest.param("{<<: *b, p: 9}", {"p": 9, "q": 2}, id="own key after"),
        pytest.param("{p: 9, <<: *b}", {"p": 9, "q": 2}, id="own key before"),
        pytest.param("{<<: [*c, *b]}", {"p": 1, "q": 3, "r": 4}, id="first wins"),
        pytest.param("{<<: {<<: *b, q: 5}}", {"p": 1, "q": 5}, id="merge in a merge"),
        pytest.param("{<<: []}", {}, id="none"),
        pytest.param("{'<<': 1}", {"<<": 1}, id="quoted"),
    ],
)
def test_a_merge_key_adds_the_keys_of_other_mappings(
    text: str, expected: dict[str, Any]
) -> None:
    """Own keys win wherever they stand; of merged ones the first mapping's."""
    anchors = "b: &b {p: 1, q: 2}\nc: &c {q: 3, r: 4}\n"
    document = parse_yaml(f"{anchors}a: {text}\n", "job.yaml")

    assert document.data["a"] == expected
    assert document.problems == []


def test_a_merged_value_has_the_line_where_it_is_written() -> None:
    """A problem of it can be mended there; own values keep their own lines."""
    text = "b: &b\n  p: 1\n  q: 2\na:\n  <<: *b\n  r: 3\n"
    document = parse_yaml(text, "job.yaml")

    assert document.line(("a", "q")) == 3
    assert document.line(("a", "r")) == 6
    assert document.line(("a",)) == 4


@pytest.mark.parametrize("text", ["{<<: 1}", "{<<: [*b, x]}", "{<<: }"])
def test_only_mappings_can_be_merged(text: str) -> None:
    """The problem says what a merge key takes, and where."""
    document = parse_yaml(f"b: &b {{p: 1}}\na: {text}\n", "job.yaml")

    ((loc, problem),) = document.problems
    assert loc == ("a", "<<")
    assert document.line(loc) == 2
    assert "merges mappings only" in problem


def test_two_merge_keys_in_a_mapping_are_refused() -> None:
    """As any other key; a list merges several mappings."""
    text = "b: &b {p: 1}\na:\n  <<: *b\n  <<: *b\n"
    document = parse_yaml(text, "job.yaml")

    assert document.problems == [(("a", "<<"), "is given twice, on lines 3 and 4")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &a {<<: *a}", id="itself"),
        pytest.param("a: &a {p: 1, <<: [{<<: *a}]}", id="itself through another"),
        pytest.param(
            "a0: &a0 {}\n"
            + "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}"
                        for n in range(1, 9)),
            id="a billion empty ones",
        ),
    ],
)  # fmt: skip
def test_merges_cannot_grow_without_bound(text: str) -> None:
    """Each repetition counts, also of mappings that add no key."""
    with pytest.raises(JobError, match=r"nested too deeply|too long"):
        parse_yaml(text, "job.yaml")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        pytest.param("a: [1", r"^job\.yaml:1: not valid YAML", id="open list"),
        pytest.param("a: 1\n\tb: 2", r"^job\.yaml:2: not valid YAML", id="tab"),
        pytest.param("a: 1\n b: 2", r"^job\.yaml:2: not valid YAML", id="indent"),
        pytest.param("a: *b", r"undefined alias", id="alias"),
        pytest.param("a: 1\n---\nb: 2", r"^job\.yaml:2: ", id="two documents"),
        pytest.param("a: !!python/object:os.system x", r":1: ", id="python object"),
        pytest.param("a: \x01", r"not valid YAML", id="control character"),
        pytest.param("&a [*a]", r"nested too deeply", id="alias of itself"),
        pytest.param("[" * 60 + "]" * 60, r"nested too deeply", id="deep"),
        pytest.param("[" * 100_000, r"nested too deeply", id="very deep"),
        pytest.param("a: '" + "x" * MAX_BYTES + "'", r"larger than", id="large"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, match: str) -> None:
    """The message says where, and that it is YAML that is wrong."""
    with pytest.raises(JobError, match=match) as caught:
        parse_yaml(text, "job.yaml")

    assert caught.value.hint
    assert "\n" not in caught.value.problem


def test_aliases_cannot_grow_without_bound() -> None:
    """A few lines that stand for a billion values are refused, not built."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(JobError, match="too long"):
        parse_yaml("\n".join(lines), "job.yaml")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: j\n")

    assert read_yaml(path).data == {"name": "j"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"name: \xff\n", r"is not UTF-8 \(byte 6\)"),
        (b"#" * (MAX_BYTES + 1), "is larger than"),
        # Where the bound cuts through a letter, the size is the problem.
        ("é".encode() * MAX_BYTES, "is larger than"),
    ],
)
def test_an_unusable_file_is_named(tmp_path: Path, content: bytes, match: str) -> None:
    """A problem of a whole file is reported with its path."""
    path = tmp_path / "job.yaml"
    path.write_bytes(content)

    with pytest.raises(JobError, match=match) as caught:
        read_yaml(path)

    assert caught.value.problem.startswith(f"{path}: ")


@pytest.mark.parametrize("name", [".", "missing.yaml", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A folder, a missing file and an impossible name give different errors."""
    with pytest.raises(JobError, match="cannot be read: "):
        read_yaml(tmp_path / name)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    """No more is read than a job file may have."""
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("no /dev/zero on this system")

    with pytest.raises(JobError, match="is larger than"):
        read_yaml(endless)


def test_a_broken_override_is_a_job_error() -> None:
    """An override is YAML too, and its problems are reported."""
    with pytest.raises(JobError, match="given twice"):
        parse_scalar("{a: 1, a: 2}")


@given(
    text=st.one_of(
        st.text(max_size=60),
        st.text(alphabet="ab:-[]{}!&*#|>'\"%@?, \n\t09.~", max_size=60),
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text does anything but give plain data or a JobError."""
    try:
        document = parse_yaml(text, "job.yaml")
    except JobError:
        return

    yaml.safe_dump(document.data)  # takes nothing but plain data
