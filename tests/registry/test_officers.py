"""The officer's account: one, known by its password alone, whose sessions end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.registry.officers import (
    count_sessions,
    end_session,
    find_officer,
    find_session,
    knows_password,
    open_session,
    remove_officer,
    set_officer,
)

NOW = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105


def test_the_password_is_known_and_kept_nowhere(connection: Connection) -> None:
    """Only the right name with the right password is let in; the table holds neither the password nor a plain hash."""
    set_officer(connection, "jeanne", PASSWORD, NOW)
    assert knows_password(connection, "jeanne", PASSWORD)
    for name, password in (("jeanne", PASSWORD + "."), ("jeanne", ""), ("jean", PASSWORD), ("", PASSWORD)):
        assert not knows_password(connection, name, password)
    assert PASSWORD not in str(connection.exec_driver_sql("SELECT * FROM officers").all())


def test_the_same_password_is_stored_unlike_each_time(connection: Connection) -> None:
    """Salt and digest of two accounts of one password differ."""
    stored = []
    for name in ("jeanne", "paul"):
        set_officer(connection, name, PASSWORD, NOW)
        stored.append(connection.exec_driver_sql("SELECT salt, digest FROM officers").one())
    assert stored[0].salt != stored[1].salt
    assert stored[0].digest != stored[1].digest


def test_there_is_one_account(connection: Connection) -> None:
    """Another name takes the place of the first, whose sessions end."""
    set_officer(connection, "jeanne", PASSWORD, NOW)
    _, secret = open_session(connection, "jeanne", NOW)
    set_officer(connection, "paul", PASSWORD, NOW)
    assert find_officer(connection) == "paul"
    assert find_session(connection, secret, NOW) is None
    assert remove_officer(connection) == "paul"
    with pytest.raises(UnknownNameError):
        remove_officer(connection)


def test_a_session_lasts_twelve_hours(connection: Connection) -> None:
    """It is found by its secret until then, and is dropped when the next one begins."""
    set_officer(connection, "jeanne", PASSWORD, NOW)
    session, secret = open_session(connection, "jeanne", NOW)
    assert session.expires - NOW == timedelta(hours=12)
    assert find_session(connection, secret, NOW + timedelta(hours=11, minutes=59)) == session
    assert find_session(connection, secret, NOW + timedelta(hours=12)) is None
    assert find_session(connection, secret + "x", NOW) is None
    assert secret not in str(connection.exec_driver_sql("SELECT * FROM sessions").all())
    open_session(connection, "jeanne", NOW + timedelta(hours=13))
    assert count_sessions(connection) == 1


def test_a_session_that_was_ended_is_over(connection: Connection) -> None:
    """Others go on."""
    set_officer(connection, "jeanne", PASSWORD, NOW)
    secrets = [open_session(connection, "jeanne", NOW)[1] for _ in range(2)]
    end_session(connection, secrets[0])
    assert [find_session(connection, one, NOW) is None for one in secrets] == [True, False]


def test_sessions_are_bounded(connection: Connection) -> None:
    """Of 60 sessions 50 are kept, the newest among them."""
    set_officer(connection, "jeanne", PASSWORD, NOW)
    secrets = [open_session(connection, "jeanne", NOW + timedelta(seconds=one))[1] for one in range(60)]
    assert count_sessions(connection) == 50
    assert find_session(connection, secrets[-1], NOW) is not None
    assert find_session(connection, secrets[0], NOW) is None


@pytest.mark.parametrize(("name", "password"), [("", PASSWORD), (" a", PASSWORD), ("a\n", PASSWORD), ("a", "x" * 14)])
def test_what_no_account_may_be(connection: Connection, name: str, password: str) -> None:
    """Names that don't show, and passwords of fewer than 15 characters (NIST SP 800-63B-4), are refused."""
    with pytest.raises(InvalidValueError):
        set_officer(connection, name, password, NOW)
