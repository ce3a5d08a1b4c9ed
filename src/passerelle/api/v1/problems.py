"""`/api/v1/problems`: what each kind of problem means; the addresses in an error body's `type`."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from passerelle.api.cursors import Page
from passerelle.api.problem import KINDS, ProblemKind
from passerelle.model.errors import UnknownNameError


@get("/problems", tags=["problems"], sync_to_thread=False)
def list_all() -> Page[ProblemKind]:
    """Every kind of problem."""
    return Page(list(KINDS.values()), None)


@get("/problems/{name:str}", tags=["problems"], sync_to_thread=False)
def read_one(name: FromPath[str]) -> ProblemKind:
    """One kind of problem."""
    if name not in KINDS:
        raise UnknownNameError("problem", name, list(KINDS), where="problem")
    return KINDS[name]
