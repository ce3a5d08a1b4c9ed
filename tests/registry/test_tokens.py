"""Tokens: made once, found by their secret, revoked; and the log of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.registry import events
from passerelle.registry.events import list_events, put_event
from passerelle.registry.tokens import Scope, create_token, find_token, get_token, list_tokens, revoke_token, set_used

NOW = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_token_is_found_by_its_secret_alone(connection: Connection) -> None:
    """The secret has 256 bits and is nowhere in the table."""
    token, secret = create_token(connection, name="box", scope=Scope.OBSERVATIONS, now=NOW, feed="a", source=3)
    assert find_token(connection, secret) == token
    assert find_token(connection, secret + "x") is None
    # 32 bytes in base 64 are 43 characters.
    assert len(secret.removeprefix("psr_")) == 43
    assert secret not in str(connection.exec_driver_sql("SELECT * FROM tokens").all())
    assert (token.feed, token.source, token.scope) == ("a", 3, Scope.OBSERVATIONS)


def test_two_tokens_differ(connection: Connection) -> None:
    """No two secrets are the same."""
    secrets = {create_token(connection, name="x", scope=Scope.OFFICER, now=NOW)[1] for _ in range(20)}
    assert len(secrets) == 20
    assert len(list_tokens(connection)) == 20
    assert [token.id for token in list_tokens(connection, limit=2, after=18)] == [19, 20]


@pytest.mark.parametrize(("scope", "feed"), [(Scope.OBSERVATIONS, None), (Scope.OFFICER, "a")])
def test_only_writers_have_a_feed(connection: Connection, scope: Scope, feed: str | None) -> None:
    """A token that writes needs its feed, another may have none."""
    with pytest.raises(InvalidValueError, match="feed"):
        create_token(connection, name="x", scope=scope, now=NOW, feed=feed)


def test_expiry_and_revocation(connection: Connection) -> None:
    """A token is valid until the instant it expires or is revoked; revoking again doesn't move that."""
    token, _ = create_token(connection, name="x", scope=Scope.OFFICER, now=NOW, expires=NOW + MINUTE)
    assert token.is_valid(NOW)
    assert not token.is_valid(NOW + MINUTE)
    assert not revoke_token(connection, token.id, NOW).is_valid(NOW)
    assert revoke_token(connection, token.id, NOW + MINUTE).revoked == NOW
    with pytest.raises(UnknownNameError, match="99"):
        revoke_token(connection, 99, NOW)


def test_last_use_is_remembered_to_the_minute(connection: Connection) -> None:
    """The first use is remembered, the next ones once a minute has passed."""
    token, _ = create_token(connection, name="x", scope=Scope.OFFICER, now=NOW)
    seen = []
    for moment in (NOW, NOW + MINUTE / 2, NOW + 2 * MINUTE):
        set_used(connection, token.id, moment)
        seen.append(get_token(connection, token.id).last_used)
    assert seen == [NOW, NOW, NOW + 2 * MINUTE]


def test_events_go_on_from_a_number(connection: Connection) -> None:
    """Whoever knows the last number it saw gets what came since, by kind or feed if asked."""
    for at in range(5):
        put_event(connection, "reply" if at % 2 else "disk", NOW, {"at": at}, "a" if at > 2 else None)
    assert [event.document["at"] for event in list_events(connection, after=2)] == [2, 3, 4]
    assert [event.document["at"] for event in list_events(connection, kind="reply")] == [1, 3]
    assert [event.document["at"] for event in list_events(connection, feed="a", limit=1)] == [3]


def test_old_events_are_forgotten(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the bound and a hundred are kept, the newest; numbers go on."""
    monkeypatch.setattr(events, "KEPT_EVENTS", 50)
    for at in range(320):
        put_event(connection, "x", NOW, {"at": at})
    kept = [event.id for event in list_events(connection, limit=1000)]
    assert kept == list(range(251, 321))
