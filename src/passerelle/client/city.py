"""A city from Python: what a node answers, as Polars frames."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
import polars as pl

from passerelle.client.frames import (
    CHANGE,
    FINDING,
    PLACE,
    SERIES,
    TEXT,
    TRUST,
    frame,
    split_centre,
    split_feed_trust,
    split_latest,
    split_reason,
    split_trust,
    write_json,
)
from passerelle.model.errors import InvalidValueError, PasserelleError
from passerelle.model.interval import format_time

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

ARROW_STREAM = "application/vnd.apache.arrow.stream"
_PAGE = 1000  # the most that a list of the API answers at once


class AnswerError(PasserelleError):
    """A node's refusal: its `status`, and the `problem` it answered with."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(
            problem["detail"] or problem["title"], where=problem["errors"][0]["where"] if problem["errors"] else ""
        )
        self.problem = problem
        self.status = int(problem["status"])


class Asked(Protocol):
    """A node that can be asked: over HTTP, or in this process."""

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request."""

    def do(self, name: str, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        """`{"result"}` of a job, or its `{"problem"}`."""

    def close(self) -> None:
        """Release what is held."""


def connect(node: str | os.PathLike[str], *, token: str | None = None) -> City:
    """The city at an address, or in a folder: of the node that runs on it, or else opened by this process.

    `token` is needed to write, and by an officer over the network; `PASSERELLE_TOKEN` stands in for it.
    """
    token = token or os.environ.get("PASSERELLE_TOKEN")
    text = os.fspath(node)
    if text.startswith(("http://", "https://")):
        return City(_RemoteNode(text, token), token)
    # Only a folder needs the engine, which takes two seconds to import.
    local = import_module("passerelle.api.local")
    running = local.find_running(Path(text))
    return City(local.LocalNode(Path(text)) if running is None else _RemoteNode(*running), token)


class City:
    """One city's node. Lists come whole, page by page behind the scenes; filters are those of the HTTP API."""

    def __init__(self, node: Asked, token: str | None) -> None:
        self._node = node
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let connections or the folder go."""
        self._node.close()

    def read(self, path: str, **filters: Any) -> Any:
        """The JSON of `/api/v1/` + `path`."""
        return json.loads(self.ask("GET", path, params=_write_filters(filters)).content)

    def list_all(self, path: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, however many pages it has."""
        page = self.read(path, limit=_PAGE, **filters)
        yield from page["items"]
        while page["next"] is not None:
            page = self.read(path, limit=_PAGE, cursor=page["next"], **filters)
            yield from page["items"]

    def city(self) -> dict[str, Any]:
        """What the node is a node of, and how much it holds."""
        answer: dict[str, Any] = self.read("city")
        return answer

    def quantities(self, **filters: Any) -> pl.DataFrame:
        """What is measured: a row a quantity, with unit, statistic and bounds."""
        rows = list(self.list_all("quantities", **filters))
        return pl.DataFrame(rows, schema_overrides={"lower": pl.Float64, "upper": pl.Float64, "title": TEXT})

    def places(self, **filters: Any) -> pl.DataFrame:
        """A row a place; `geometry` is GeoJSON, `areas` JSON of official areas by division."""
        rows = [
            {**row, **split_centre(row), "geometry": write_json(row["geometry"]), "areas": write_json(row["areas"])}
            for row in self.list_all("places", **filters)
        ]
        return pl.DataFrame(rows, schema=PLACE)

    def feeds(self, **filters: Any) -> pl.DataFrame:
        """A row a feed, with its licence, what is held of it, its light, and how many of its series have each."""
        rows = [
            {**row, "licence": row["licence"]["name"], **split_feed_trust(row)}
            for row in self.list_all("feeds", **filters)
        ]
        feeds = pl.DataFrame(rows, schema_overrides={"title": TEXT}, infer_schema_length=None)
        return feeds.drop("trust", strict=False)

    def series(self, **filters: Any) -> pl.DataFrame:
        """A row a series, with coverage, latest value and its light."""
        rows = [
            {**row, **split_centre(row), **split_latest(row), **split_trust(row)}
            for row in self.list_all("series", **filters)
        ]
        return frame(rows, SERIES)

    def observations(
        self,
        series: str,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        as_known_at: datetime | str | None = None,
        aggregate: str | None = None,
        versions: bool = False,
    ) -> pl.DataFrame:
        """The series' values by start, as now or `as_known_at`; `aggregate` is `P1D`, `mean:PT1H` and the like."""
        params = _write_filters(
            {
                "start": start,
                "end": end,
                "as_known_at": as_known_at,
                "aggregate": aggregate,
                "versions": versions or None,
                "format": "arrow",
            }
        )
        content = self.ask("GET", f"series/{series}/observations", params=params).content
        return pl.read_ipc_stream(io.BytesIO(content))

    def trust(
        self,
        feed: str,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        as_known_at: datetime | str | None = None,
    ) -> pl.DataFrame:
        """A row a series of the feed, worst first: its light in the window, or of its newest value, and why."""
        filters = {"start": start, "end": end, "as_known_at": as_known_at}
        rows = [{**row, **split_reason(row)} for row in self.list_all(f"feeds/{feed}/trust", **filters)]
        return frame(rows, TRUST)

    def write(self, rows: pl.DataFrame, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """What became of observations with the columns `series`, `start`, `end`, `value` and optionally `reason`."""
        sink = io.BytesIO()
        # Newer string layouts than Arrow's first are not read everywhere.
        rows.write_ipc_stream(sink, compat_level=pl.CompatLevel.oldest())
        headers = {"content-type": ARROW_STREAM, **_bear(self._token)}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        answer: dict[str, Any] = self.ask("POST", "observations", content=sink.getvalue(), headers=headers).json()
        return answer

    def changes(self, **filters: Any) -> pl.DataFrame:
        """A row a change, newest first, with the id and verdict of its latest finding."""
        rows = [
            {
                **row,
                "where": row["where"]["name"],
                "finding": row["finding"] and row["finding"]["id"],
                "verdict": row["finding"] and row["finding"]["verdict"],
            }
            for row in self.list_all("changes", **filters)
        ]
        return frame(rows, CHANGE)

    def findings(self, **filters: Any) -> pl.DataFrame:
        """A row a finding, newest first."""
        rows = [{**row, **(row["effect"] or {})} for row in self.list_all("findings", **filters)]
        return frame(rows, FINDING)

    def finding(self, finding_id: str) -> dict[str, Any]:
        """One finding in full."""
        answer: dict[str, Any] = self.read(f"findings/{finding_id}")
        return answer

    def bundle(self, finding_id: str) -> bytes:
        """The ZIP file that lets anyone check the finding."""
        return self.ask("GET", f"findings/{finding_id}/bundle").content

    def design_matrix(self, finding_id: str) -> pl.DataFrame:
        """What the finding was estimated from: `unit`, `time`, `outcome` of a panel, else as its design has it."""
        with zipfile.ZipFile(io.BytesIO(self.bundle(finding_id))) as bundle:
            return pl.read_csv(io.BytesIO(bundle.read("design_matrix.csv")), try_parse_dates=True)

    def study(self, study_id: str) -> Study:
        """One declared study."""
        return Study(self, self.read(f"studies/{study_id}"))

    def power(
        self, declaration: Mapping[str, Any], *, studies: int = 500, progress: Progress | None = None
    ) -> dict[str, Any]:
        """What the study of a declaration (a change and its study, as a TOML file has them) could show, by the history.

        Nothing is declared by it. It needs an officer's token unless the folder is at hand.
        """
        found: dict[str, Any] = self.do("study-power", {"declaration": declaration, "studies": studies}, progress)
        return found

    def do(self, job: str, arguments: Mapping[str, Any] | None = None, progress: Progress | None = None) -> Any:
        """The result of a job, which needs an officer's token unless the folder is at hand."""
        answer = self._node.do(job, arguments or {}, progress or _ignore)
        if "problem" in answer:
            raise AnswerError(answer["problem"])
        return answer["result"]

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request under `/api/v1/`; an `AnswerError` where it is a refusal."""
        answer = self._node.ask(method, f"/api/v1/{path}", params, content, headers)
        if answer.status_code >= 400:
            raise AnswerError(_read_problem(answer))
        return answer


class Study:
    """A declared study of a city; `declaration` holds what is in force, since when, its hash, and what it amended."""

    def __init__(self, city: City, declaration: dict[str, Any]) -> None:
        self._city = city
        self.declaration = declaration

    def run(self, progress: Progress | None = None) -> dict[str, Any]:
        """The finding, computed anew from the archive; to be told of the progress, an officer's token is needed."""
        name = self.declaration["id"]
        if progress is not None:
            found: dict[str, Any] = self._city.do("run-study", {"study": name}, progress)
            return found
        answer: dict[str, Any] = self._city.ask("POST", f"studies/{name}/run").json()
        return answer


class _RemoteNode:
    """A node over HTTP; `officer` is the token its jobs are asked with."""

    def __init__(self, url: str, officer: str | None) -> None:
        self._officer = officer
        self._client = httpx.Client(base_url=url, timeout=httpx.Timeout(60.0, connect=5.0))

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request."""
        try:
            return self._client.request(method, path, params=params, content=content, headers=headers)
        except httpx.TransportError as error:
            raise _unreachable(self._client, error) from error

    def do(self, name: str, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        """The last line of the job's answer."""
        headers = _bear(self._officer)
        path, body = f"/api/v1/jobs/{name}", json.dumps(arguments)
        line: dict[str, Any] = {}
        try:
            with self._client.stream("POST", path, content=body, headers=headers, timeout=None) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    return {"problem": _name_token(_read_problem(answer), self._officer)}
                for text in answer.iter_lines():
                    line = json.loads(text)
                    if "done" in line:
                        progress(line["done"], line["total"])
        except httpx.TransportError as error:
            raise _unreachable(self._client, error) from error
        if not line.keys() & {"result", "problem"}:
            raise PasserelleError(f"{self._client.base_url} broke off the job {name!r}", where=name)
        return line

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _bear(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}


def _name_token(problem: dict[str, Any], token: str | None) -> dict[str, Any]:
    """The problem, which says where a token goes if it is that none came."""
    if problem["status"] != 401 or token is not None:
        return problem
    told = "a node at an address asks for an officer's token: give it with --token, or in PASSERELLE_TOKEN"
    return {**problem, "detail": f"{problem['detail'] or problem['title']} ({told})"}


def _unreachable(client: httpx.Client, error: httpx.TransportError) -> PasserelleError:
    return PasserelleError(f"{client.base_url} doesn't answer: {error}", where=str(client.base_url))


def _read_problem(answer: httpx.Response) -> dict[str, Any]:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        told = f"{answer.url} answered {answer.status_code} and not as a Passerelle node does"
        raise PasserelleError(told, where=str(answer.url))
    problem: dict[str, Any] = answer.json()
    return problem


def _write_filters(filters: Mapping[str, Any]) -> dict[str, str]:
    return {name: _write_filter(name, value) for name, value in filters.items() if value is not None}


def _write_filter(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidValueError(f"{name} is {value.isoformat()}; a time zone is required", where=name)
        return format_time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ",".join(str(part) for part in value)
    return str(value)


def _ignore(done: int, total: int) -> None:
    """Progress nobody wants to see."""
