"""`fetch` against a real server that misbehaves."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from passerelle.feeds._http import Limits, fetch
from passerelle.feeds.feed import Request
from passerelle.model.errors import InvalidValueError, ReplyError, StatusError

PORTS = range(18100, 18150)
MEBIBYTE = 1024 * 1024
SECRET = "s3cret-of-the-tests"  # noqa: S105


class Handler(BaseHTTPRequestHandler):
    """One path per misbehaviour; what was asked is kept in `seen`."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        ANSWERS[self.path.strip("/").partition("?")[0]](self)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output stays clean."""

    def send(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def answer_plain(self) -> None:
        self.send("date;é\n1;2\n".encode("latin-1"), Content_Type="text/csv", ETag='"v1"')

    def answer_packed(self) -> None:
        self.send(gzip.compress(b"a,b\n1,2\n"), Content_Encoding="gzip")

    def answer_slow_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with contextlib.suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def answer_bomb(self) -> None:
        self.send(gzip.compress(bytes(300 * MEBIBYTE), 9), Content_Encoding="gzip")

    def answer_large(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(300 * MEBIBYTE))
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(300):
                self.wfile.write(bytes(MEBIBYTE))

    def answer_slow(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "600")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(60):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def answer_silent(self) -> None:
        time.sleep(1.5)
        self.send(b"late")

    def answer_cut(self) -> None:
        self.send(b"a,b\n1,", length=5000)

    def answer_cut_packed(self) -> None:
        self.send(gzip.compress(b"a,b\n1,2\n" * 1000)[:40], Content_Encoding="gzip")

    def answer_odd_encoding(self) -> None:
        self.send(b"???", Content_Encoding="br")

    def answer_not_gzip(self) -> None:
        self.send(b"plain after all", Content_Encoding="gzip")

    def answer_html(self) -> None:
        self.send(b"<html>Service unavailable</html>", Content_Type="text/html")

    def answer_down(self) -> None:
        self.send(b"down", status=503)

    def answer_round(self) -> None:
        self.send(b"", status=302, Location="/round")

    def answer_away(self) -> None:
        port = self.server.server_address[1]
        self.send(b"", status=302, Location=f"http://localhost:{port}/plain")

    def answer_here(self) -> None:
        self.send(b"", status=307, Location="/plain")

    def answer_unchanged(self) -> None:
        self.send(b"", status=304, ETag='"v1"')

    def answer_wait(self) -> None:
        self.send(b"", status=429, Retry_After=unquote(self.path.partition("?")[2]))

    def answer_file(self) -> None:
        self.send(b"", status=302, Location="file:///etc/hosts")


ANSWERS = {
    "plain": Handler.answer_plain,
    "packed": Handler.answer_packed,
    "slow_head": Handler.answer_slow_head,
    "bomb": Handler.answer_bomb,
    "large": Handler.answer_large,
    "slow": Handler.answer_slow,
    "silent": Handler.answer_silent,
    "cut": Handler.answer_cut,
    "cut_packed": Handler.answer_cut_packed,
    "odd_encoding": Handler.answer_odd_encoding,
    "not_gzip": Handler.answer_not_gzip,
    "html": Handler.answer_html,
    "down": Handler.answer_down,
    "round": Handler.answer_round,
    "away": Handler.answer_away,
    "here": Handler.answer_here,
    "file": Handler.answer_file,
    "unchanged": Handler.answer_unchanged,
    "wait": Handler.answer_wait,
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the server, on the first free port of the tests' range."""
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                break
    Handler.seen = []
    httpd = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def get(url: str, limits: Limits | None = None) -> tuple[bytes, dict[str, str]]:
    answer = fetch(Request(url), environ={}, limits=limits or Limits())
    assert answer.body is not None
    return answer.body, dict(answer.headers)


def test_the_bytes_come_as_they_are(server: str) -> None:
    """A body isn't decoded to text: its charset is for the form to judge; headers have small names."""
    body, headers = get(f"{server}/plain")
    assert body == b"date;\xe9\n1;2\n"
    assert (headers["content-type"], headers["etag"]) == ("text/csv", '"v1"')


def test_packed_transfer_is_unpacked(server: str) -> None:
    """A body sent with gzip arrives unpacked."""
    assert get(f"{server}/packed")[0] == b"a,b\n1,2\n"


@pytest.mark.parametrize("path", ["bomb", "large"])
def test_a_huge_body_is_cut(server: str, path: str) -> None:
    """300 MiB, packed to 300 kB or as they are, are refused once they pass 64 MiB."""
    with pytest.raises(ReplyError, match="more than 67108864 bytes"):
        get(f"{server}/{path}")


def test_a_body_of_the_limit_is_kept(server: str) -> None:
    """The limit itself is allowed, a byte more isn't."""
    assert len(get(f"{server}/packed", Limits(decoded_bytes=8))[0]) == 8
    with pytest.raises(ReplyError, match="more than 7 bytes"):
        get(f"{server}/packed", Limits(decoded_bytes=7))


@pytest.mark.parametrize("path", ["slow", "slow_head"])
def test_a_byte_at_a_time_meets_the_deadline(server: str, path: str) -> None:
    """A publisher that sends a byte of body or head now and then can't hold a fetch longer than its limit."""
    began = time.monotonic()
    with pytest.raises(ReplyError, match=r"longer than 0\.5 s"):
        get(f"{server}/{path}", Limits(total_s=0.5))
    assert time.monotonic() - began < 2


def test_silence_is_not_waited_for(server: str) -> None:
    """No byte within the limit ends the fetch."""
    with pytest.raises(ReplyError, match="ReadTimeout"):
        get(f"{server}/silent", Limits(silence_s=0.3))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("cut", "RemoteProtocolError"),
        ("cut_packed", "ends too early"),
        ("odd_encoding", "encoded as 'br'"),
        ("not_gzip", "broken gzip"),
        ("down", "answered 503"),
        ("round", "more than 3 redirects"),
        ("file", "redirected to 'file'"),
    ],
)
def test_what_is_no_whole_answer_is_refused(server: str, path: str, says: str) -> None:
    """Cut bodies, odd encodings, failures and endless or foreign redirects are a `ReplyError` that says so."""
    with pytest.raises(ReplyError, match=says):
        get(f"{server}/{path}?token=in-the-query")


def test_html_with_status_200_is_handed_on(server: str) -> None:
    """HTML is bytes like any other here; the form refuses it, and the archive keeps what came."""
    assert get(f"{server}/html")[0].startswith(b"<html>")


def test_nobody_there_is_said() -> None:
    """A refused connection and an address that is none are `ReplyError`s without the query."""
    with pytest.raises(ReplyError, match="ConnectError") as caught:
        get("http://127.0.0.1:9/data?key=abc")
    assert "abc" not in str(caught.value)
    with pytest.raises(ReplyError, match=r"UnsupportedProtocol|InvalidURL"):
        get("no address")


def test_secrets_go_to_their_host_only(server: str, caplog: pytest.LogCaptureFixture) -> None:
    """A secret header is read from the environment, sent to the host asked, not on to another, and not logged."""
    caplog.set_level(logging.DEBUG)
    Handler.seen.clear()
    for path in ("here", "away"):
        fetch(
            Request(f"{server}/{path}", secret_headers={"X-Api-Key": "CITY_KEY"}),
            environ={"CITY_KEY": SECRET},
            limits=Limits(),
        )
    assert [(path, headers.get("x-api-key")) for path, headers in Handler.seen] == [
        ("/here", SECRET),
        ("/plain", SECRET),
        ("/away", SECRET),
        ("/plain", None),
    ]
    assert SECRET not in caplog.text


def test_a_key_in_the_query_is_told_to_nobody_else(server: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is added to the address as that stands, isn't sent on, and stands neither in the log nor in an error."""
    caplog.set_level(logging.DEBUG)
    Handler.seen.clear()
    for path in ("here?by=date%20desc&n=1", "away"):
        fetch(
            Request(f"{server}/{path}", secret_query={"api_key": "CITY_KEY"}),
            environ={"CITY_KEY": SECRET},
            limits=Limits(),
        )
    with pytest.raises(ReplyError) as caught:
        fetch(
            Request(f"{server}/down", secret_query={"api_key": "CITY_KEY"}),
            environ={"CITY_KEY": SECRET},
            limits=Limits(),
        )
    assert [path for path, _ in Handler.seen] == [
        f"/here?by=date%20desc&n=1&api_key={SECRET}",
        "/plain",
        f"/away?api_key={SECRET}",
        "/plain",
        f"/down?api_key={SECRET}",
    ]
    assert SECRET not in caplog.text + str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"CITY_KEY": ""}, {"CITY_KEY": "two\nlines"}])
def test_a_missing_secret_is_named_not_shown(environ: dict[str, str]) -> None:
    """Without its variable, or with one that can't stand in a header, nothing is asked and the variable is named."""
    with pytest.raises(InvalidValueError, match="CITY_KEY") as caught:
        fetch(Request("http://127.0.0.1:9/", secret_headers={"X": "CITY_KEY"}), environ=environ, limits=Limits())
    assert "two" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"total_s": 0}, {"decoded_bytes": -1}, {"redirects": -1}])
def test_limits_allow_something(wrong: dict[str, int]) -> None:
    """Limits that allow nothing can't be built."""
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        Limits(**wrong)


def test_unchanged_is_an_answer_to_who_asked_for_it(server: str) -> None:
    """A 304 has no body where a validator was sent; to anyone else it is a failure."""
    answer = fetch(Request(f"{server}/unchanged"), environ={}, limits=Limits(), validators={"If-None-Match": '"v1"'})
    assert (answer.body, answer.headers["etag"]) == (None, '"v1"')
    with pytest.raises(StatusError, match="answered 304"):
        get(f"{server}/unchanged")


@pytest.mark.parametrize(
    ("says", "least", "most"),
    [
        ("120", 120, 120),
        ("Sun, 01 Mar 2020 10:00:00 GMT", 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2e11, 3e11),
        ("soon", None, None),
        ("-5", None, None),
        ("", None, None),
    ],
)
def test_a_publisher_may_say_how_long_to_wait(server: str, says: str, least: float | None, most: float | None) -> None:
    """Retry-After is seconds or a date, and nothing where it is neither; bounds are for whoever waits."""
    with pytest.raises(StatusError) as refused:
        get(f"{server}/wait?{says}")
    assert refused.value.status == 429
    assert (refused.value.wait_s is None) == (least is None)
    assert least is None or least <= (refused.value.wait_s or 0) <= (most or 0)
