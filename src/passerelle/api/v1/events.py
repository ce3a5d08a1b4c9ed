"""`/api/v1/events`: what happens in the node, as server-sent events."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter
from litestar.response import Stream

from passerelle.api.problem import refuse_parameter
from passerelle.api.stream import KINDS, EventOut, EventStream

_TOLD = "Kinds of event: " + "; ".join(f"`{kind}`, {told}" for kind, told in KINDS.items()) + "."


@get(
    "/events",
    tags=["events"],
    media_type="text/event-stream",
    responses={200: ResponseSpec(EventOut, description=_TOLD, media_type="text/event-stream", generate_examples=False)},
)
async def listen(
    events: NamedDependency[EventStream],
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", required=False)] = None,
) -> Stream:
    """Events as they happen, each `{at, kind, feed, document}`; `Last-Event-ID` brings those missed since."""
    if last_event_id is not None and not (
        last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19
    ):
        raise refuse_parameter("Last-Event-ID", last_event_id, "the id of an event of this node is allowed")
    messages = await events.subscribe(None if last_event_id is None else int(last_event_id))
    return Stream(messages, media_type="text/event-stream", headers={"cache-control": "no-store"})
