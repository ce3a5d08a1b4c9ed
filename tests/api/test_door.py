"""What every answer carries, and what the node shows to whoever runs it."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx

from passerelle.api.page_files import VIEWS


def test_answers_are_not_for_other_origins_pages(paris: Any) -> None:
    """Every answer forbids sniffing, framing and inline scripts, and none allows another origin."""
    for path in ("/", "/api/v1/city", "/api/v1/nothing", "/health"):
        answer = httpx.get(paris.url + path, headers={"origin": "https://elsewhere.invalid"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_requests_have_an_id(paris: Any) -> None:
    """An id that came is echoed if it is one; others get the node's, no two alike."""
    given = httpx.get(f"{paris.url}/health", headers={"x-request-id": "my-request-0001"}).headers["x-request-id"]
    made = [
        httpx.get(f"{paris.url}/health", headers={"x-request-id": bad}).headers["x-request-id"]
        for bad in ("short", "with space 123", "x" * 65)
    ]
    assert given == "my-request-0001"
    assert len(set(made)) == 3
    assert all(re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", each) for each in made)


def test_head_is_get_without_a_body(paris: Any) -> None:
    """RFC 9110: HEAD answers as GET does, its content left out."""
    for path in ("/", "/api/v1/quantities"):
        head, get = httpx.head(paris.url + path), httpx.get(paris.url + path)
        assert (head.status_code, head.headers["content-type"]) == (200, get.headers["content-type"])
        assert head.content == b""


def test_a_page_that_is_held_is_not_sent_again(paris: Any) -> None:
    """The page's ETag brings a 304."""
    first = httpx.get(f"{paris.url}/")
    again = httpx.get(f"{paris.url}/", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "text/html" in first.headers["content-type"]


def test_answers_are_small_for_those_who_take_gzip(paris: Any) -> None:
    """Pages and long JSON come as gzip of the same bytes; short answers, Arrow and who doesn't ask get them plain."""
    plain, squeezed = {"accept-encoding": "identity"}, {"accept-encoding": "gzip"}
    arrow = httpx.get(f"{paris.url}/api/v1/series", params={"limit": 1}).json()["items"][0]["id"]
    for path, takes in (
        ("/", False),
        ("/api/v1/quantities", True),
        ("/api/v1/areas", True),
        ("/api/v1/openapi.json", True),
        ("/api/v1/quantities/bicycle_count", False),
        (f"/api/v1/series/{arrow}/observations?format=arrow", False),
    ):
        one = httpx.get(paris.url + path, headers=plain)
        other = httpx.get(paris.url + path, headers=squeezed)
        assert "content-encoding" not in one.headers
        assert (other.headers.get("content-encoding") == "gzip") == takes, path
        assert one.content == other.content
        if takes:
            assert int(other.headers["content-length"]) < len(one.content) / 2


def test_each_page_of_the_site_is_answered(paris: Any) -> None:
    """What the pages' own table of paths begins with gets the site, as a reader who kept the address asks for it."""
    table = (Path(__file__).parents[2] / "web" / "src" / "page" / "pages.ts").read_text(encoding="utf-8")
    first = set(re.findall(r"path: /\^\\/(\w+)", table))
    assert first == VIEWS
    for name in first:
        answer = httpx.get(f"{paris.url}/{name}/anything")
        assert (answer.status_code, answer.text) == (200, httpx.get(f"{paris.url}/").text)


def test_what_is_not_there_is_a_page_for_a_person_and_a_problem_for_a_program(paris: Any) -> None:
    """Both get a 404; under /api a browser gets the problem too."""
    person = {"accept": "text/html,application/xhtml+xml"}
    assert httpx.get(f"{paris.url}/nowhere").headers["content-type"] == "application/problem+json"
    answer = httpx.get(f"{paris.url}/nowhere", headers=person)
    assert (answer.status_code, answer.text) == (404, httpx.get(f"{paris.url}/").text)
    assert (
        httpx.get(f"{paris.url}/api/v1/nowhere", headers=person).headers["content-type"] == "application/problem+json"
    )


def test_no_path_leads_out_of_the_pages(paris: Any) -> None:
    """A path that climbs finds nothing: pages are looked up, not opened."""
    for path in ("/../node.py", "/%2e%2e/node.py", "/assets/../../node.py", "//etc/passwd"):
        assert httpx.get(httpx.URL(paris.url, raw_path=path.encode())).status_code == 404


def test_health_and_metrics_say_how_it_goes(paris: Any) -> None:
    """Health is ok, and the counters count: two more requests of a route are two more."""

    def count() -> float:
        lines = httpx.get(f"{paris.url}/metrics").text.splitlines()
        wanted = 'passerelle_requests_total{method="GET",route="/api/v1/quantities/{name}",status="404"}'
        return sum(float(line.split()[1]) for line in lines if line.startswith(wanted))

    before = count()
    for name in ("a", "b"):
        httpx.get(f"{paris.url}/api/v1/quantities/{name}")
    health = httpx.get(f"{paris.url}/health").json()
    metrics = httpx.get(f"{paris.url}/metrics")
    assert count() == before + 2
    assert (health["status"], health["reasons"], health["city"]) == ("ok", [], "paris")
    assert "passerelle_lake_current_rows" in metrics.text
    assert paris.sender not in metrics.text


def test_openapi_documents_every_parameter_that_is_taken(paris: Any) -> None:
    """What OpenAPI lists for a route is what the route takes; the post's three forms are there."""
    with paris.client() as client:
        document = client.get("/openapi.json").json()
        listed = {each["name"] for each in document["paths"]["/api/v1/series"]["get"]["parameters"]}
        refused = client.get("/series?unknown=1").json()["errors"][0]["allowed"]
    assert document["openapi"].startswith("3.")
    assert all(name in refused for name in listed)
    post = document["paths"]["/api/v1/observations"]["post"]
    assert set(post["requestBody"]["content"]) == {
        "application/json",
        "text/csv",
        "application/vnd.apache.arrow.stream",
    }
    assert {"400", "401", "403", "413", "415", "422", "429", "507"} <= set(post["responses"])


def test_events_tell_what_comes_in(paris: Any) -> None:
    """A listener hears within seconds how many rows of which feed were accepted."""
    heard: list[dict[str, Any]] = []
    listening = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{paris.url}/api/v1/events", timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                listening.set()
                # Trust may still be judging what the city brought, and tell of it.
                if line.startswith("data: ") and json.loads(line[6:])["kind"] == "observations":
                    heard.append(json.loads(line[6:]))
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert listening.wait(10)
    body = {"place": {"id": "events", "kind": "counter", "name": "E"}, "quantity": "bicycle_count"}
    with paris.client() as client:
        client.headers["authorization"] = f"Bearer {paris.sender}"
        series = client.post("/series", json=body).json()["id"]
        rows = [
            {"series": series, "start": f"2021-01-0{day}T00:00:00Z", "end": f"2021-01-0{day}T01:00:00Z", "value": day}
            for day in (1, 2, 3)
        ]
        client.post("/observations", json={"observations": rows})
    thread.join(10)
    assert [(event["kind"], event["feed"], event["document"]) for event in heard] == [
        ("observations", "bike-counters", {"rows": 3})
    ]


def test_missed_events_are_told_after_the_last_heard(paris: Any) -> None:
    """`Last-Event-ID: 0` brings the node's first events: the replies that were imported."""
    with httpx.stream("GET", f"{paris.url}/api/v1/events", headers={"last-event-id": "0"}, timeout=20) as answer:
        lines = answer.iter_lines()
        events = [next(line for line in lines if line.startswith("event: ")) for _ in range(2)]
    assert events == ["event: reply", "event: admitted"]


def test_a_job_needs_an_officer(paris: Any) -> None:
    """Without a token a job is a 401, with a sender's a 403; an unknown one is a 404, a wrong argument a problem."""
    with paris.client() as client:
        statuses = [
            client.post("/jobs/list-tokens", headers=headers).status_code
            for headers in ({}, {"authorization": f"Bearer {paris.sender}"})
        ]
        officer = {"authorization": f"Bearer {paris.officer}"}
        unknown = client.post("/jobs/make-coffee", headers=officer)
        wrong = client.post("/jobs/revoke-token", json={"number": 1}, headers=officer)
        broken = client.post("/jobs/revoke-token", content=b"{", headers=officer)
    assert statuses == [401, 403]
    assert unknown.status_code == 404
    assert json.loads(wrong.text.splitlines()[-1])["problem"]["status"] == 422
    assert broken.status_code == 400
