"""Names of time zones: what is suggested for a name that no zone has."""

import pytest

from gcbatch.job.zones import is_zone, unknown_zone, zone_warning


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Ireland", "Europe/Dublin"),
        ("UK", "Europe/London"),
        ("England", "Europe/London"),
        ("Germany", "Europe/Berlin"),
        ("de", "Europe/Berlin"),
        ("Netherlands", "Europe/Amsterdam"),
        ("India", "Asia/Kolkata"),
        ("Dublin", "Europe/Dublin"),
        ("New York", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("europe/dublin", "Europe/Dublin"),
        ("Europe/Dublinn", "Europe/Dublin"),
        ("Asia/London", "Europe/London"),
        ("BST", "Europe/London"),
        ("CEST", "Europe/Berlin"),
        ("EDT", "America/New_York"),
        ("Eastern Standard Time", "America/New_York"),
        ("Israel Standard Time", "Asia/Jerusalem"),
        ("+05:30", "Asia/Kolkata"),
        ("Z", "UTC"),
        ("UTC+0:00", "UTC"),
    ],
)
def test_the_zone_that_is_meant_is_named(name: str, zone: str) -> None:
    """By country, code of a country, city, abbreviation or offset."""
    assert is_zone(zone)
    assert f"{zone}" in unknown_zone(name)
    assert "did you mean" in unknown_zone(name)


@pytest.mark.parametrize(
    ("name", "zones"),
    [
        ("IST", "Europe/Dublin, Asia/Kolkata, Asia/Jerusalem"),
        ("PST", "America/Los_Angeles, Asia/Manila"),
        ("GMT+1", "Europe/Berlin, Africa/Lagos, Etc/GMT-1"),
        ("UTC+2", "Europe/Athens, Africa/Johannesburg, Etc/GMT-2"),
    ],
)
def test_several_zones_are_named_as_several(name: str, zones: str) -> None:
    """One for each time that may be meant; the sign of Etc/GMT is the other way."""
    assert unknown_zone(name) == (
        f"unknown time zone {name!r}: did you mean one of {zones}?"
    )


def test_a_large_country_has_a_zone_for_each_time() -> None:
    """Six at most, those that most people use first."""
    assert unknown_zone("USA").endswith(
        "did you mean one of America/New_York, America/Chicago, America/Denver, "
        "America/Los_Angeles, America/Phoenix, America/Anchorage?"
    )


@pytest.mark.parametrize(
    "name", ["xyz", "ISTT", "Asia/Mumbai", "Europe/Munich", "W. Europe Standard Time"]
)
def test_letters_alone_suggest_no_zone(name: str) -> None:
    """A zone with other clocks would make other days; better none than such a one."""
    assert unknown_zone(name) == (
        f"unknown time zone {name!r}: use an IANA name, such as Europe/Dublin or UTC"
    )


def test_a_name_that_hides_its_clocks_has_a_warning() -> None:
    """EST is a zone; in summer New York has other clocks."""
    assert is_zone("EST")
    assert "no daylight saving" in zone_warning("EST")
    assert "America/New_York" in zone_warning("EST")
    assert zone_warning("CET") == zone_warning("Europe/Dublin") == ""
