"""What the API answers from: the open archive, and what is derived from it."""

from __future__ import annotations

import os
from importlib.metadata import version

import polars as pl

from passerelle.api.coverage import Coverage, remember_months
from passerelle.api.sessions import SessionDoor
from passerelle.api.tokens import TokenDoor, make_owner_secret
from passerelle.archive.archive import Archive
from passerelle.archive.folder import format_public_key
from passerelle.feeds._http import Limits
from passerelle.feeds.feed import Feed
from passerelle.ingest.ask import Asker
from passerelle.ingest.budget import read_budgets
from passerelle.ingest.mqtt import MQTT, Listener
from passerelle.ingest.replay import Replayer
from passerelle.ingest.run import Ingest
from passerelle.model.quantity import get_quantity
from passerelle.registry.fold import fold
from passerelle.registry.series import list_words
from passerelle.trust.watch import Watch

_WORDS = {"series": pl.Int64, "feed": pl.String, "quantity": pl.String}


class Node:
    """One open city. `ingest` asks no publisher and `replays` play nothing by themselves until they are started.

    `feed_words` are the folded words that each feed can be found by.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.version = version("passerelle")
        self.feeds: dict[str, Feed] = {feed.id: feed for feed in archive.city.feeds}
        self.feed_words = {
            feed.id: fold(f"{feed.id} {feed.title['en']} {feed.title['fr']} {feed.publisher}")
            for feed in self.feeds.values()
        }
        self.public_key = format_public_key(archive.key)
        self.tokens = TokenDoor(archive.engine, make_owner_secret(archive.key))
        self.sessions = SessionDoor(archive.engine)
        self.coverage = Coverage(archive)
        self.months = remember_months(archive)
        self.replays = {replay.feed: Replayer(archive, replay) for replay in archive.city.replays}
        self.ingest = Ingest(Asker(archive, environ=os.environ, limits=Limits(), budgets=read_budgets()))
        self.listeners = [
            Listener(archive, feed, self.ingest.asker, os.environ)
            for feed in archive.city.feeds
            if feed.url.startswith(MQTT)
        ]
        self.trust = Watch(archive)

    def start(self, *, fetches: bool, replays: bool) -> None:
        """Ask the publishers and listen to the brokers from now on, and play the recordings, as far as is wanted."""
        if fetches:
            self.ingest.start()
            for listener in self.listeners:
                listener.start()
        if replays:
            for replayer in self.replays.values():
                replayer.start()

    def stop(self) -> None:
        """End what was started; nothing more comes into the archive by itself."""
        for replayer in self.replays.values():
            replayer.stop()
        for listener in self.listeners:
            listener.stop()
        self.ingest.stop()

    def sectors_of(self, feed_id: str) -> list[str]:
        """The sectors of the feed's quantities."""
        return sorted({get_quantity(name).sector for name in self.archive.get_feed(feed_id).quantities})

    def count_by_sector(self) -> dict[str, int]:
        """Current observations of each sector that has any."""
        return self._sum_rows("sector")

    def count_by_feed(self) -> dict[str, int]:
        """Current observations of each feed that has any."""
        return self._sum_rows("feed")

    def _sum_rows(self, column: str) -> dict[str, int]:
        with self.archive.engine.connect() as connection:
            words = pl.DataFrame(list_words(connection), schema=_WORDS, orient="row")
        sectors = {name: str(get_quantity(name).sector) for name in words["quantity"].unique()}
        named = words.with_columns(sector=pl.col("quantity").replace_strict(sectors, return_dtype=pl.String))
        counted = named.join(self.coverage.read_all(), on="series").group_by(column).agg(pl.col("rows").sum())
        return dict(counted.iter_rows())
