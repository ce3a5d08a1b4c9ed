"""How `POST /observations` stands in OpenAPI: a body in three forms, which no annotation of a handler can say."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

from passerelle.api.arrow_body import COLUMNS
from passerelle.api.bodies import ARROW_STREAM

_TIME = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)
_ONE = Schema(
    type=OpenAPIType.OBJECT,
    required=["series", "start", "end"],
    properties={
        "series": Schema(type=OpenAPIType.STRING, description="An id of /api/v1/series."),
        "start": _TIME,
        "end": _TIME,
        "value": Schema(type=[OpenAPIType.NUMBER, OpenAPIType.NULL]),
        "reason": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], description="Why there is no value."),
    },
)
_SEVERAL = Schema(
    type=OpenAPIType.OBJECT,
    required=["observations"],
    properties={"observations": Schema(type=OpenAPIType.ARRAY, items=_ONE)},
)
_CSV = Schema(type=OpenAPIType.STRING, description=f"A first line that names {', '.join(COLUMNS)}.")
_ARROW = Schema(
    type=OpenAPIType.STRING,
    description="series as text, start and end as timestamps with a zone, value as float64, reason as text.",
)


@dataclass
class PostOperation(Operation):
    """The operation with its body and its header."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(schema=Schema(any_of=[_ONE, _SEVERAL])),
                "text/csv": OpenAPIMediaType(schema=_CSV),
                ARROW_STREAM: OpenAPIMediaType(schema=_ARROW),
            },
        )
        self.parameters = [
            Parameter(
                name="Idempotency-Key",
                param_in="header",
                required=False,
                schema=Schema(type=OpenAPIType.STRING, max_length=255),
                description="A body sent again under the same key is kept once; another body under it is refused.",
            )
        ]
