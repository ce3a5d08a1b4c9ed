"""What an officer may have the node do: import, fetch, declare and run studies, back up, export, manage tokens.

A job is a function of the node, its arguments and a progress to report to. The running node does jobs over HTTP
(`POST /api/v1/jobs/{name}`); on a stopped folder the client calls the same functions.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from passerelle.api.declarations import read_document
from passerelle.api.node import Node
from passerelle.api.problem import RequestError, say
from passerelle.archive.admission import Admission
from passerelle.archive.admit import Progress
from passerelle.archive.backup import Contents, back_up
from passerelle.archive.export import export_all
from passerelle.archive.reparse import Reread, reparse, reparse_all
from passerelle.feeds.feed import Reply
from passerelle.registry.database import writing
from passerelle.registry.officers import remove_officer, set_officer
from passerelle.registry.tokens import Scope, Token, list_tokens, revoke_token
from passerelle.studies.declared.change import Change
from passerelle.studies.declared.declaring import amend, declare, register_changes
from passerelle.studies.pilot import foresee
from passerelle.studies.run import run_study


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No argument."""


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scope` is write:observations (which needs a `feed`), studies or officer; `days` to its end, null for none."""

    name: str
    scope: Scope
    feed: str | None = None
    days: int | None = 365


class ImportFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file on the node's machine: a reply in the feed's own form, or (`table`) observations in Passerelle's columns.

    `recorded_at` is when the publisher's bytes were held, where the recording itself is dated: a time with a zone, not
    after now. Else they are known since now.
    """

    feed: str
    path: str
    table: bool = False
    recorded_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class FeedName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed's id."""

    feed: str


class AnyFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed's id, or null for every feed."""

    feed: str | None = None


class Judge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed's id, or null for every feed; without `again` only feeds of which something came since."""

    feed: str | None = None
    again: bool = False


class NewStudy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and its study, as a file of `cities/<city>/` holds them."""

    declaration: dict[str, Any]


class Pilot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and its study, declared or not, and how many placebo studies are made on the history."""

    declaration: dict[str, Any]
    studies: Annotated[int, msgspec.Meta(ge=20, le=5000)] = 500


class StudyName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A study's id."""

    study: str


class NewChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change without a study, as a file of `cities/<city>/changes/` holds it."""

    change: Change


class Amendment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and its study in new words, and why they replace those in force."""

    declaration: dict[str, Any]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class TargetFolder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An absent or empty folder on the node's machine."""

    folder: str


class TokenNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token's number."""

    id: int


class NewOfficer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one account that signs in on the page, and its password."""

    name: str
    password: str


class OfficerOut(msgspec.Struct, frozen=True):
    """The account's name, now or until it was removed."""

    officer: str


class TokenOut(msgspec.Struct, frozen=True):
    """A token; `secret` is shown once, when it is made."""

    id: int
    name: str
    scope: str
    feed: str | None
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: datetime | None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job: what it does, the struct of its arguments, and the function; a quick one doesn't wait for the others."""

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    run: Callable[[Node, Any, Progress], object]
    quick: bool = False


def run_job(node: Node, name: str, arguments: object, progress: Progress) -> object:
    """The result of the job called `name`; `arguments` is a mapping as JSON has it."""
    job = get_job(name)
    try:
        read = msgspec.convert(arguments, job.arguments)
    except msgspec.ValidationError as error:
        fields = {field.name: str(field.type) for field in msgspec.structs.fields(job.arguments)}
        message, _, where = str(error).partition(" - at `$.")
        told = f"{message}; the arguments of {name} are {', '.join(fields) or 'none'}"
        where = where.rstrip("`") or "body"
        came = arguments.get(where, arguments) if isinstance(arguments, dict) else arguments
        raise RequestError("refused", told, [say(where, came, told)]) from error
    return job.run(node, read, progress)


def get_job(name: str) -> Job:
    """The job called `name`."""
    if name not in JOBS:
        raise RequestError("not-found", f"no job is called {name[:100]!r}; {', '.join(JOBS)} are there")
    return JOBS[name]


def _create_token(node: Node, arguments: NewToken, progress: Progress) -> TokenOut:  # noqa: ARG001
    if arguments.days is not None and not 1 <= arguments.days <= 3660:
        raise RequestError(
            "refused", f"days is {arguments.days}; 1 to 3660 is allowed", [say("days", arguments.days, "1 to 3660")]
        )
    now = datetime.now(UTC)
    token, secret = node.archive.create_token(
        name=arguments.name,
        scope=arguments.scope,
        feed=arguments.feed and node.archive.get_feed(arguments.feed).id,
        expires=None if arguments.days is None else now + timedelta(days=arguments.days),
    )
    return _show(token, secret)


def _list_tokens(node: Node, arguments: Nothing, progress: Progress) -> list[TokenOut]:  # noqa: ARG001
    with node.archive.engine.connect() as connection:
        return [_show(token, None) for token in list_tokens(connection, limit=1000)]


def _revoke_token(node: Node, arguments: TokenNumber, progress: Progress) -> TokenOut:  # noqa: ARG001
    with writing(node.archive.engine) as connection:
        token = revoke_token(connection, arguments.id, datetime.now(UTC))
    node.tokens.forget()
    return _show(token, None)


def _set_officer(node: Node, arguments: NewOfficer, progress: Progress) -> OfficerOut:  # noqa: ARG001
    with writing(node.archive.engine) as connection:
        set_officer(connection, arguments.name, arguments.password, datetime.now(UTC))
    return OfficerOut(arguments.name)


def _remove_officer(node: Node, arguments: Nothing, progress: Progress) -> OfficerOut:  # noqa: ARG001
    with writing(node.archive.engine) as connection:
        return OfficerOut(remove_officer(connection))


def _import_file(node: Node, arguments: ImportFile, progress: Progress) -> Admission:
    path = Path(arguments.path)
    if not path.is_file():
        raise RequestError("refused", f"{path} is not a file", [say("path", path, "a file of the node's machine")])
    now = datetime.now(UTC)
    if arguments.recorded_at is not None and arguments.recorded_at > now:
        # Rows known later than now would make everything that comes in until then a late arrival.
        told = f"a time not after now, {now.isoformat()}, is allowed"
        came = arguments.recorded_at.isoformat()
        raise RequestError("refused", f"recorded_at is {came}; {told}", [say("recorded_at", came, told)])
    if arguments.table:
        return node.archive.load_file(path, arguments.feed, progress)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    reply = Reply(path.read_bytes(), arguments.recorded_at or now, kind, path.name)
    kept = node.archive.keep(arguments.feed, reply, recorded=arguments.recorded_at is not None)
    return node.archive.admit(kept.reply_id, progress)


def _fetch_feed(node: Node, arguments: FeedName, progress: Progress) -> Admission:  # noqa: ARG001
    return node.ingest.asker.ask(arguments.feed)


def _reread(node: Node, arguments: AnyFeed, progress: Progress) -> dict[str, Reread]:
    if arguments.feed is None:
        return reparse_all(node.archive, progress)
    return {arguments.feed: reparse(node.archive, arguments.feed, progress)}


def _judge(node: Node, arguments: Judge, progress: Progress) -> list[str]:
    names = list(node.feeds) if arguments.feed is None else [node.archive.get_feed(arguments.feed).id]
    judged = []
    for done, name in enumerate(names):
        progress(done, len(names))
        if arguments.again:
            node.trust.keeper.judge_whole(name)
            judged.append(name)
        else:
            judged += node.trust.keeper.judge_due([name])
    return judged


def _declare(node: Node, arguments: NewStudy, progress: Progress) -> dict[str, Any]:  # noqa: ARG001
    return declare(node.archive, read_document(arguments.declaration))


def _declare_change(node: Node, arguments: NewChange, progress: Progress) -> dict[str, Any]:  # noqa: ARG001
    register_changes(node.archive, [arguments.change])
    return arguments.change.document


def _run(node: Node, arguments: StudyName, progress: Progress) -> dict[str, Any]:
    return run_study(node.archive, arguments.study, progress)


def _power(node: Node, arguments: Pilot, progress: Progress) -> dict[str, Any]:
    return foresee(node.archive, read_document(arguments.declaration), arguments.studies, progress)


def _amend(node: Node, arguments: Amendment, progress: Progress) -> dict[str, Any]:  # noqa: ARG001
    return amend(node.archive, read_document(arguments.declaration), arguments.reason)


def _back_up(node: Node, arguments: TargetFolder, progress: Progress) -> Contents:
    return back_up(node.archive, Path(arguments.folder), progress)


def _export(node: Node, arguments: TargetFolder, progress: Progress) -> dict[str, Any]:
    return export_all(node.archive, Path(arguments.folder), progress)


def _show(token: Token, secret: str | None) -> TokenOut:
    return TokenOut(
        token.id,
        token.name,
        token.scope,
        token.feed,
        token.created,
        token.expires,
        token.last_used,
        token.revoked,
        secret,
    )


_ALL: tuple[Job, ...] = (
    Job("import", "Keep a file as a reply of a feed and admit its rows.", ImportFile, _import_file),
    Job(
        "fetch",
        "Ask a feed's publisher once, within its budget; keep the reply and admit its rows.",
        FeedName,
        _fetch_feed,
    ),
    Job(
        "reread",
        "Read kept replies again with today's parsers; what they say differently is known now.",
        AnyFeed,
        _reread,
    ),
    Job("judge", "Judge how far feeds can be trusted, all that is held of each; the feeds judged.", Judge, _judge),
    Job(
        "create-token",
        "Make a token; its secret is in the answer and nowhere else.",
        NewToken,
        _create_token,
        quick=True,
    ),
    Job("list-tokens", "Tokens without their secrets.", Nothing, _list_tokens, quick=True),
    Job("declare-study", "Declare a change and how it will be judged.", NewStudy, _declare),
    Job("run-study", "Judge a change by its declared study, from what the archive holds now.", StudyName, _run),
    Job("study-power", "What a study could show, from the history before its change; keeps nothing.", Pilot, _power),
    Job("declare-change", "Declare a change without a study; others are judged beside it.", NewChange, _declare_change),
    Job("amend-study", "Replace a study's declaration, visibly and with a reason.", Amendment, _amend),
    Job(
        "backup",
        "Copy the folder while it is written, and open the copy.",
        TargetFolder,
        _back_up,
    ),
    Job("export", "Write Parquet, CSV and metadata of all that may leave the node.", TargetFolder, _export),
    Job("set-officer", "Make the one account that signs in on the page.", NewOfficer, _set_officer, quick=True),
    Job("remove-officer", "Remove that account and end its sessions.", Nothing, _remove_officer, quick=True),
    Job("revoke-token", "Make a token useless from now on.", TokenNumber, _revoke_token, quick=True),
)
JOBS = {job.name: job for job in _ALL}
