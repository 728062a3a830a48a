"""What comes in, over real HTTP. The numbers are those of the list of failure cases (ingress)."""

from __future__ import annotations

import json
import re
import resource
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.server.webhook import MAX_BODY
from tests.server.keys import SECRET
from tests.server.process import ROOT, ServerProcess, headers
from tests.test_events import ALICE, check_run, comment, payload, pull

OPENED = pull("opened")
BODY = json.dumps(OPENED).encode()


def test_stored_then_202(shared: ServerProcess):
    answer = shared.post(OPENED, guid="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert (answer.status_code, answer.text) == (202, "stored\n")
    assert shared.rows()["72d3162e-cc78-11e3-81ab-4c9367dc0958"] == ("pending", 1, BODY)
    [line] = shared.lines(delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert line["status"] == 202
    assert (line["event_name"], line["action"], line["repository"], line["pull"]) == (
        "pull_request",
        "opened",
        "huggingface/transformers",
        5,
    )


# 1
@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 63,
        "sha256=" + "0" * 65,
        "sha256=" + "G" * 64,
        "SHA256=" + "0" * 64,
        "sha256=" + "0" * 64,
        "é" * 32,
    ],
)
def test_unsigned_is_401_and_nothing_is_stored(shared: ServerProcess, signature: str | None):
    before, seen = shared.rows(), len(shared.lines())
    sent: dict[str, Any] = headers(b"{", guid="unsigned")
    sent.pop("x-hub-signature-256")
    if signature is not None:
        sent["x-hub-signature-256"] = signature.encode("latin-1")
    answer = httpx.post(f"{shared.url}/webhook", content=b"{", headers=sent, trust_env=False)
    assert answer.status_code == 401
    assert shared.rows() == before
    lines = shared.lines()[seen:]
    assert [line.get("status") for line in lines] == [401], lines
    line = lines[0]
    assert "unsigned" not in json.dumps(line), "headers of strangers are not logged"


@pytest.mark.parametrize("around", ["{}0", "x{}", "{},{}", "sha1={}"])
def test_the_right_signature_in_the_wrong_form_is_401(shared: ServerProcess, around: str):
    right = headers(BODY)["x-hub-signature-256"]
    with socket.create_connection(address(shared), timeout=10) as connection:
        sent = headers(BODY, signature=around.format(right, right)) | {"host": "tfport"}
        sent |= {"content-length": str(len(BODY)), "connection": "close"}
        lines = ["POST /webhook HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode() + BODY)
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_neither_secret_nor_signature_in_the_log(shared: ServerProcess):
    shared.post(OPENED)
    shared.post(OPENED, secret="not the secret")
    for text in (SECRET, "the secret of last year", "BEGIN RSA"):
        assert text not in shared.log
    assert not re.search(r"\b[0-9a-f]{64}\b", shared.log)


# 2
@pytest.mark.parametrize("altered", [BODY + b" ", BODY.replace(b": ", b":"), BODY + b"\r\n", b""])
def test_the_signature_is_over_raw_bytes(shared: ServerProcess, altered: bytes):
    signed = headers(BODY)["x-hub-signature-256"]
    assert shared.post(altered, signature=signed).status_code == 401


# 3
def test_two_secrets_while_rotating(shared: ServerProcess):
    def signed_with(secret: str) -> float:
        return figure(shared, f'tfport_signatures_total{{secret="{secret}"}}')

    before = signed_with("current"), signed_with("previous")
    assert shared.post(OPENED).status_code == 202
    assert shared.post(OPENED, secret="the secret of last year").status_code == 202
    assert (signed_with("current"), signed_with("previous")) == (before[0] + 1, before[1] + 1)


def test_without_a_secret_it_does_not_start(tmp_path: Path):
    server = ServerProcess(tmp_path, TFPORT_WEBHOOK_SECRET="")
    run = subprocess.run(
        [sys.executable, "-m", "tests.server.run", "store"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **server.settings},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("TFPORT_WEBHOOK_SECRET is not set: ")
    assert "Traceback" not in run.stderr


# 4
def test_too_large_announced(shared: ServerProcess):
    with socket.create_connection(address(shared), timeout=10) as connection:
        connection.sendall(head(shared, MAX_BODY + 1))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_too_large_in_chunks_and_memory_stays_bounded(shared: ServerProcess):
    memory = resident(shared)
    with socket.create_connection(address(shared), timeout=30) as connection:
        connection.sendall(head(shared, None))
        chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
        with pytest.raises(OSError):  # it hangs up
            connection.sendall(chunk * 64)
    assert shared.get("/healthz").status_code == 200
    assert resident(shared) - memory < 80 * 2**20
    assert shared.lines(status=413)


def test_25_megabytes_are_accepted(shared: ServerProcess):
    body = json.dumps(OPENED | {"filler": ""}).encode()
    body = body.replace(b'"filler": ""', b'"filler": "' + b"x" * (MAX_BODY - len(body)) + b'"')
    assert len(body) == MAX_BODY
    assert shared.post(body).status_code == 202


def test_slow_body_and_slow_headers_are_dropped(shared: ServerProcess):
    results: dict[str, tuple[float, bytes]] = {}

    def crawl(name: str, start: bytes, drop: bytes) -> None:
        begun = time.monotonic()
        with socket.create_connection(address(shared), timeout=30) as connection:
            connection.sendall(start)
            connection.settimeout(1)
            answer = b""
            while time.monotonic() - begun < 25:
                try:
                    answer = connection.recv(200)
                    break
                except TimeoutError:
                    pass
                except OSError:
                    break
                try:
                    connection.sendall(drop)
                except OSError:
                    break
        results[name] = (time.monotonic() - begun, answer)

    threads = [
        threading.Thread(target=crawl, args=("body", head(shared, 1000), b"x")),
        threading.Thread(
            target=crawl, args=("headers", b"POST /webhook HTTP/1.1\r\nx-a: 1\r\n", b"x-b: 2\r\n")
        ),
        threading.Thread(target=crawl, args=("nothing", b"", b"")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, (seconds, answer) in results.items():
        assert 9 < seconds < 20, (name, seconds)
        assert answer.startswith(b"HTTP/1.1 408 ") == (name == "body"), (name, answer)


def test_endless_headers_are_dropped(shared: ServerProcess):
    lines = (b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(100_000))
    with socket.create_connection(address(shared), timeout=10) as connection, pytest.raises(OSError):
        connection.sendall(b"POST /webhook HTTP/1.1\r\n" + b"".join(lines))
    assert shared.get("/healthz").status_code == 200


# 5
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (json.dumps(pull("opened", repository=None)).encode(), "repository.id is missing"),
        (
            json.dumps(pull("opened", pull_request={"number": "5"})).encode(),
            "pull_request.number is not of type int",
        ),
    ],
)
def test_malformed_is_400(shared: ServerProcess, body: bytes, sentence: str):
    answer = shared.post(body, guid="malformed")
    assert (answer.status_code, answer.text) == (400, f"not a delivery of GitHub: {sentence}\n")
    assert "malformed" not in shared.rows()


def test_form_encoded_is_told_what_to_set(shared: ServerProcess):
    answer = shared.post(b"payload=%7B%7D", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.text) == (415, "set the webhook's content type to application/json\n")
    assert shared.post(OPENED, content_type="application/json; charset=utf-8").status_code == 202


@pytest.mark.parametrize(
    "wrong",
    [
        {"x_github_delivery": None},
        {"x_github_event": None},
        {"x_github_delivery": "a" * 65},
        {"x_github_delivery": "../../etc"},
        {"x_github_event": "Pull Request"},
    ],
)
def test_missing_or_strange_headers_are_400(shared: ServerProcess, wrong: dict[str, str | None]):
    assert shared.post(OPENED, **wrong).status_code == 400


# 6
@pytest.mark.parametrize(
    ("event", "body"),
    [("star", {}), ("pull_request", pull("assigned")), ("brand_new_event", {"action": "x"})],
)
def test_unknown_is_204_stored_as_ignored_and_no_error(
    shared: ServerProcess, event: str, body: dict[str, Any]
):
    seen = len(shared.lines())
    for _ in range(2):
        answer = shared.post(body, event=event, guid=f"unknown-{event.replace('_', '-')}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert shared.rows()[f"unknown-{event.replace('_', '-')}"] == ("ignored", 1, None)
    assert {line["level"] for line in shared.lines()[seen:]} == {"info"}


# 7
def test_unknown_fields_and_missing_ones_that_nobody_needs(shared: ServerProcess):
    body = pull("labeled", label={"id": 1}, surprise=[{"deep": None}])
    assert shared.post(body).status_code == 202


# 8
def test_the_same_delivery_twice_also_at_once(server: ServerProcess):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: server.post(OPENED, guid="one").status_code, range(40)))
    assert sorted(answers) == [200] * 39 + [202]
    answer = server.post(OPENED, guid="one")
    assert (answer.status_code, answer.text) == (200, "already have it\n")
    assert len(server.rows()) == 1


# 9
def test_redelivery_of_a_failed_one_runs_again(tmp_path: Path):
    server = ServerProcess(tmp_path, mode="fail").start()
    try:
        assert server.post(OPENED, guid="a").status_code == 202
        server.settle("a", "failed")
        answer = server.post(OPENED, guid="a")
        assert (answer.status_code, answer.text) == (202, "stored; it failed before, so it runs again\n")
        server.settle("a", "finished", attempt=2)
        assert server.post(OPENED, guid="a").status_code == 200
    finally:
        server.kill()


# 10
def test_locked_database_is_503_soon_and_recovers(server: ServerProcess):
    other = sqlite3.connect(server.folder / "data/inbox.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.post(OPENED, guid="a").status_code, range(8)))
    assert answers == [503] * 8
    assert time.monotonic() - begun < 6
    ready = server.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == {"ready": False, "detail": "nothing can be stored"}
    assert server.get("/healthz").status_code == 200
    other.execute("ROLLBACK")
    other.close()
    assert server.post(OPENED, guid="a").status_code == 202


# 11
@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("ping", {"zen": "Design for failure.", "hook_id": 1}),
        ("installation", {"action": "deleted", "installation": {"id": 11}, "sender": ALICE}),
        ("installation", {"action": "suspend", "installation": {"id": 11}, "sender": ALICE}),
        ("issue_comment", comment()),
    ],
)
def test_life_of_an_installation(shared: ServerProcess, event: str, body: dict[str, Any]):
    assert shared.post(body, event=event).status_code == 202


# 12
@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("check_run", check_run(app=1)),
        ("pull_request", pull("opened", repository={"id": 1, "full_name": "evil/transformers"})),
        ("issue_comment", payload("created", issue={"number": 5}, comment={"id": 1, "user": ALICE})),
    ],
)
def test_of_others_is_ignored(shared: ServerProcess, event: str, body: dict[str, Any]):
    assert shared.post(body, event=event).status_code == 204


# 47, for this half of the way
def test_kill_right_after_the_202(server: ServerProcess):
    for round_ in range(3):
        assert server.post(OPENED, guid=f"a{round_}").status_code == 202
        server.kill()
        assert server.rows()[f"a{round_}"] == ("pending", 1, BODY)
        server.start()
        assert server.post(OPENED, guid=f"a{round_}").status_code == 200
    server.kill()
    server.mode = "finish"
    server.start()
    for round_ in range(3):
        server.settle(f"a{round_}", "finished")


# 50
def test_full_disk_is_503_and_recovers(server: ServerProcess):
    """No file may be written (the log neither), as on a full volume; then there is room again."""
    assert server.process is not None
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, hard))
    big = OPENED | {"filler": "x" * 200_000}
    assert server.post(big, guid="a").status_code == 503
    assert server.get("/readyz").status_code == 503
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert server.post(big, guid="a").status_code == 202
    time.sleep(2.1)  # readiness is remembered for two seconds
    assert server.get("/readyz").json()["checks"]["database"]["ready"]


# 53
def test_sigterm_ends_soon_and_loses_nothing(server: ServerProcess):
    stop = threading.Event()
    accepted: list[str] = []

    def flood(worker: int) -> None:
        for number in range(10_000):
            try:
                if server.post(OPENED, guid=f"{worker}-{number}").status_code == 202:
                    accepted.append(f"{worker}-{number}")
            except Exception:
                return
            if stop.is_set():
                return

    threads = [threading.Thread(target=flood, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while len(accepted) < 20:
        time.sleep(0.02)
    begun = time.monotonic()
    assert server.stop() == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < 30
    assert set(accepted) <= set(server.rows())
    assert server.lines(event="tfport ends")


def test_sigterm_with_a_request_half_sent(server: ServerProcess):
    with socket.create_connection(address(server), timeout=20) as connection:
        connection.sendall(head(server, 1000))
        time.sleep(0.2)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 30


def test_second_server_on_the_same_file_says_so(server: ServerProcess):
    second = ServerProcess(server.folder)
    with pytest.raises(AssertionError):
        second.start()
    assert "another tfport already runs on" in server.log


def test_other_methods_and_paths(shared: ServerProcess):
    assert shared.get("/webhook").status_code == 405
    assert shared.get("/nothing").status_code == 404


def address(server: ServerProcess) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return host, int(port)


def head(server: ServerProcess, length: int | None) -> bytes:
    """Request line and headers of a delivery with this Content-Length, or in chunks."""
    sent = headers(b"", signature="sha256=" + "0" * 64) | {"host": "tfport"}
    sent |= {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
    lines = ["POST /webhook HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode()


def resident(server: ServerProcess) -> int:
    """Bytes of memory that the server takes."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) * 1024


def figure(server: ServerProcess, name: str) -> float:
    """One value from /metrics."""
    for line in server.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no metric {name}")
