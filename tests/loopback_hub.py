"""A model hub on loopback: what huggingface_hub asks for, and nothing else."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

# None serves files as a plain web server does.
COMMIT: str | None = "0123456789abcdef0123456789abcdef01234567"


class LoopbackHub:
    """Serves files at ``/{repository}/resolve/{revision}/{file}`` while its context is open.

    Attributes:
        files: Content by ``repository/file``.
        statuses: HTTP status to answer instead, by ``repository/file``.
        etags: ETag to announce instead of the content's SHA-256, by ``repository/file``.
        passing: HTTP statuses to answer first, one a request, by ``repository/file``.
        retry_after: Seconds to wait that a refusal names; None to name none.
        cuts: Bytes after which a transfer is cut, one a request, by ``repository/file``.
        stalls: Seconds to wait in the middle of a transfer, by ``repository/file``.
        sent: Bytes of content sent in all.
        requests: ``"METHOD path"`` of every request for a file, in order.
        tokens: The authorization headers of these.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.statuses: dict[str, int] = {}
        self.etags: dict[str, str] = {}
        self.passing: dict[str, list[int]] = {}
        self.retry_after: float | None = None
        self.cuts: dict[str, list[int]] = {}
        self.stalls: dict[str, float] = {}
        self.sent = 0
        self.requests: list[str] = []
        self.tokens: list[str | None] = []
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self})
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self, cache: str) -> dict[str, str]:
        """The variables that send a child process's hub client here."""
        return {"HF_ENDPOINT": self.url, "HF_HOME": cache, "NO_PROXY": "127.0.0.1"}


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, *, with_body: bool) -> None:
        if self.path.startswith("/api/"):
            # The client's own affair: once a day, by whichever test comes first.
            return self._refuse(404, "")
        self.hub.requests.append(f"{self.command} {self.path}")
        self.hub.tokens.append(self.headers.get("Authorization"))
        repository, _, rest = self.path.lstrip("/").partition("/resolve/")
        key = f"{repository}/{rest.partition('/')[2]}"
        body = self.hub.files.get(key)
        if self.hub.passing.get(key):
            return self._refuse(self.hub.passing[key].pop(0), "")
        if key in self.hub.statuses:
            return self._refuse(self.hub.statuses[key], "")
        if body is None:
            known = any(name.startswith(f"{repository}/") for name in self.hub.files)
            return self._refuse(404, "EntryNotFound" if known else "RepoNotFound")
        return self._send(key, body, with_body=with_body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", str(COMMIT))
        if self.hub.retry_after is not None:
            self.send_header("Retry-After", f"{self.hub.retry_after:.0f}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, key: str, body: bytes, *, with_body: bool) -> None:
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        etag = self.hub.etags.get(key) or hashlib.sha256(body).hexdigest()
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", f'"{etag}"')
        if COMMIT is not None:
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Size", str(len(body)))
        self.send_header("X-Linked-Etag", f'"{etag}"')
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if with_body:
            self._transfer(key, body[start:])

    def _transfer(self, key: str, content: bytes) -> None:
        """The content, as well as the server is told to serve it."""
        cut = self.hub.cuts[key].pop(0) if self.hub.cuts.get(key) else len(content)
        middle = len(content) // 2
        for part in (content[:cut][:middle], content[:cut][middle:]):
            self.wfile.write(part)
            self.wfile.flush()
            self.hub.sent += len(part)
            time.sleep(self.hub.stalls.get(key, 0))
        if cut < len(content):
            self.close_connection = True
