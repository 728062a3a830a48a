"""A package index on loopback with tiny wheels: each has a date, as on PyPI."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Index:
    """Packages by name; `url` is what a resolver is given. Files are made by `add`."""

    files: dict[str, bytes] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(
        self,
        name: str,
        version: str,
        day: str,
        needs: Sequence[str] = (),
        *,
        tag: str = "py3-none-any",
        code: str = "",
    ) -> None:
        """A wheel, uploaded on `day`, with one module that holds `code`."""
        module = name.replace("-", "_")
        file = f"{module}-{version}-{tag}.whl"
        self.files[file] = wheel(name, version, needs, tag, code)
        self.dates[file] = f"{day}T00:00:00Z"

    def add_source(self, name: str, version: str, day: str, code: str) -> None:
        """A source distribution, which would have to be built: its own backend is `code`, and needs nothing else."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            build = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
            about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            for path, text in (("pyproject.toml", build), ("own.py", code), ("PKG-INFO", about)):
                info = tarfile.TarInfo(f"{name}-{version}/{path}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
        file = f"{name}-{version}.tar.gz"
        self.files[file], self.dates[file] = packed.getvalue(), f"{day}T00:00:00Z"

    def page(self, name: str) -> bytes:
        """The project's page, as PEP 691 and 700 have it."""
        mine = [
            f
            for f in self.files
            if f.replace("_", "-").lower().startswith(f"{name}-") and self._name(f) == name
        ]
        entries = [
            {
                "filename": f, "url": f"{self.url}/files/{f}", "hashes": {"sha256": hashlib.sha256(self.files[f]).hexdigest()},
                "upload-time": self.dates[f], "size": len(self.files[f]),
            }
            for f in mine
        ]  # fmt: skip
        return json.dumps(
            {"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": entries}
        ).encode()

    @staticmethod
    def _name(file: str) -> str:
        stem = file.split("-")[0] if file.endswith(".whl") else file.rpartition("-")[0]
        return stem.replace("_", "-").lower()


def wheel(name: str, version: str, needs: Sequence[str], tag: str, code: str) -> bytes:
    """Content of a wheel."""
    module = name.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {n}\n" for n in needs
    )
    files = {
        f"{module}/__init__.py": code or f"__version__ = {version!r}\n",
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()


def serve(index: Index) -> ThreadingHTTPServer:
    """Serves `index` on a free port, and sets its `url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.strip("/").split("/")
            index.asked.append(self.path)
            if parts[0] == "files" and parts[1] in index.files:
                self.answer(index.files[parts[1]], "application/octet-stream")
            elif parts[0] == "simple" and len(parts) == 2:
                page = index.page(parts[1])
                self.answer(page if b"filename" in page else None, "application/vnd.pypi.simple.v1+json")
            else:
                self.answer(None, "")

        def do_HEAD(self) -> None:
            self.do_GET()

        def answer(self, content: bytes | None, kind: str) -> None:
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
