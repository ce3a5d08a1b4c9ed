"""The errors Passerelle raises: each says what came, what was allowed and where."""

from __future__ import annotations

from dataclasses import dataclass


class PasserelleError(Exception):
    """Root of every error of ours; `where` names the field, row, file or key the error is about."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class InvalidValueError(PasserelleError):
    """A value that no Passerelle object may hold."""


class UnknownNameError(PasserelleError):
    """A name that isn't in the table it was looked up in."""

    def __init__(self, kind: str, name: str, known: list[str] | None = None, *, where: str = "") -> None:
        nearest = f" Known: {', '.join(sorted(known)[:20])}." if known else ""
        super().__init__(f"Unknown {kind} {name!r}.{nearest}", where=where)
        self.kind = kind
        self.name = name


class ReplyError(PasserelleError):
    """A reply that can't be read as its feed's form; the archive keeps its bytes and this reason."""


class StatusError(ReplyError):
    """A publisher's answer of a status that says there is no reply; `wait_s` is what it says to wait, None if nothing.

    It may be any number: who waits sets the bounds.
    """

    def __init__(self, where: str, status: int, wait_s: float | None) -> None:
        super().__init__(f"{where} answered {status}; 200-299 is needed", where=where)
        self.status = status
        self.wait_s = wait_s


class BudgetSpentError(PasserelleError):
    """A publisher takes no more calls for now: its budget is spent, or it said so; `wait_s` is for how long."""

    def __init__(self, where: str, reason: str, wait_s: float) -> None:
        super().__init__(f"{where} is not asked for another {wait_s:.0f} s: {reason}", where=where)
        self.wait_s = wait_s


class BacklogFullError(PasserelleError):
    """The durable front holds as many unfiled rows as it may; the sender should try again later."""


class IdempotencyError(PasserelleError):
    """An `Idempotency-Key` that came before with a different body."""


class StorageFullError(PasserelleError):
    """The disk took no more bytes; nothing acknowledged was lost."""


class FolderBusyError(PasserelleError):
    """Another process owns the city's folder."""


class PortTakenError(PasserelleError):
    """An address that can't be listened at."""


class LayoutError(PasserelleError):
    """A folder whose layout version this program can neither read nor upgrade."""


class RedistributionError(PasserelleError):
    """Data whose feed's licence doesn't let it leave this node in the form asked for."""


class StudyError(PasserelleError):
    """A study that can't be declared or run as it stands."""


class NothingLeftError(StudyError):
    """A study of which nothing is left to compare; `left` is what the caller knows of why."""

    def __init__(self, message: str, *, where: str, left: object = None) -> None:
        super().__init__(message, where=where)
        self.left = left


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one row of a batch: where, what came and what was allowed."""

    where: str
    came: str
    allowed: str


class RefusedRowsError(InvalidValueError):
    """A batch of which nothing was accepted, with its first faulty rows."""

    def __init__(self, faulty: int, rows: int, faults: list[RowFault]) -> None:
        super().__init__(
            f"{faulty} of {rows} rows can't be accepted, so that none is; the first: {faults[0].where} came as "
            f"{faults[0].came}, allowed is {faults[0].allowed}",
            where=faults[0].where,
        )
        self.faulty = faulty
        self.faults = faults
