"""Durable acknowledgements per second: `python -m scripts.bench_webhook`.

Compares, in the same run and with the same client: the server (stored durably, then 202) and a bare Starlette that only
checks the signature and parses the JSON. Both on uvicorn with uvloop and httptools, one process each; each request a pull
request's delivery of realistic size under a GUID of its own, over kept-alive connections.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

SECRET = "a secret that is only for measuring"
BARE = """
import hashlib, hmac, json, os, socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

secret = os.environ["TFPORT_WEBHOOK_SECRET"].encode()

async def webhook(request):
    body = await request.body()
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest("sha256=" + digest, request.headers["x-hub-signature-256"]):
        return PlainTextResponse("", 401)
    json.loads(body)
    return PlainTextResponse("", 202)

listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
app = Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
config = uvicorn.Config(app, http="httptools", loop="uvloop", lifespan="off", access_log=False, log_level="error")
uvicorn.Server(config).run([listener])
"""
OURS = """
from bot.server.serve import serve
from bot.settings import load
serve(load(env_file=None), listening=lambda url: print(url, flush=True))
"""


@dataclass(frozen=True)
class Figures:
    """Requests per second; median and 99th percentile, and the server's processor time per request, in milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float = 0.0


def payload(size: int) -> bytes:
    """A pull request's delivery of about so many bytes."""
    user = {"id": 7, "login": "alice", "type": "User", "url": "https://api.github.com/users/alice"}
    body = {
        "action": "synchronize",
        "number": 5,
        "pull_request": {"number": 5, "head": {"sha": "a" * 40}, "user": user},
        "installation": {"id": 11},
        "repository": {"id": 22, "full_name": "huggingface/transformers"},
        "sender": user,
        "links": [],
    }
    links: list[object] = body["links"]  # type: ignore[assignment]
    while len(json.dumps(body)) < size:
        links.extend({**user, "id": len(links)} for _ in range(10))
    return json.dumps(body).encode()


async def flood(url: str, connections: int, seconds: float, body: bytes) -> Figures:
    """Sends deliveries over so many connections, one after the other on each."""
    place = urlsplit(url)
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhook HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nx-github-event: pull_request\r\nx-hub-signature-256: sha256={digest}\r\n"
        "x-github-delivery: "
    ).encode()
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while (start := time.perf_counter()) < end:
            writer.write(head + str(uuid.uuid4()).encode() + b"\r\n\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202 "), answer
            length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    ranked = sorted(times)
    return Figures(
        len(times) / seconds, statistics.median(ranked) * 1000, ranked[int(len(ranked) * 0.99)] * 1000
    )


def client(url: str, connections: int, seconds: float, body: bytes) -> Figures:
    """`flood` in a process of its own, with uvloop."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_client, (url, connections, seconds, body))


def _client(url: str, connections: int, seconds: float, body: bytes) -> Figures:
    import uvloop

    return uvloop.run(flood(url, connections, seconds, body))


def measure(code: str, folder: Path, connections: int, seconds: float, body: bytes) -> Figures:
    """Starts a server from code that prints its URL, floods it, stops it."""
    from tests.server.keys import PEM

    settings = {
        "TFPORT_APP_ID": "1",
        "TFPORT_PRIVATE_KEY": PEM,
        "TFPORT_WEBHOOK_SECRET": SECRET,
        "TFPORT_DATA_DIR": str(folder / uuid.uuid4().hex),
        "TFPORT_PORT": "0",
        "TFPORT_LOG_FORMAT": "json",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        assert url, (folder / "log").read_text()
        client(url, connections, 0.5, body)
        before = processor_seconds(process.pid)
        figures = client(url, connections, seconds, body)
        cpu = (processor_seconds(process.pid) - before) / (figures.rate * seconds) * 1000
        return replace(figures, cpu=cpu)
    finally:
        process.terminate()
        process.wait(30)


def processor_seconds(pid: int) -> float:
    """User and system time that a process has taken (less disturbed by neighbours than the clock)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=4, help="per measurement")
    arguments.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    arguments.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    arguments.add_argument("--size", type=int, default=21_000, help="bytes of a delivery")
    arguments.add_argument(
        "--folder", type=Path, help="where the database lies (default: a temporary folder)"
    )
    options = arguments.parse_args()
    body = payload(options.size)
    print(
        f"{len(body)} bytes, median of {options.rounds} × {options.seconds:g} s, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':44}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}")
    for connections in options.connections:
        found: dict[str, list[Figures]] = {}
        for _ in range(options.rounds):
            for name, code in {
                "bare Starlette, nothing stored": BARE,
                "tfport, stored durably": OURS,
            }.items():
                with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                    figures = measure(code, Path(folder), connections, options.seconds, body)
                found.setdefault(name, []).append(figures)
        for name, rounds in found.items():
            middle = sorted(rounds, key=lambda figures: figures.rate)[len(rounds) // 2]
            label = f"{connections:>2} at once · {name}"
            cells = f"{middle.rate:>8.0f}{middle.p50:>9.2f}{middle.p99:>9.2f}{middle.cpu:>9.2f}"
            print(f"{label:<44}{cells}", flush=True)


if __name__ == "__main__":
    main()
