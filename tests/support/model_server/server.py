"""Listens on loopback, keeps count, writes what a dialect says, and breaks where the script says so."""

import gzip
import json
import select
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.model_server.anthropic import Messages
from support.model_server.conversation import Asked
from support.model_server.gemini import Generate
from support.model_server.openai import Responses
from support.model_server.reply import Dialect, Event, Reply
from support.model_server.script import Fault, Rule, Script, Step

#: Who speaks, by the end of the path that is asked.
DIALECTS: dict[str, Dialect] = {
    "/messages": Messages(),
    "/responses": Responses(),
    ":generateContent": Generate(),
    ":streamGenerateContent": Generate(),
}
_COUNTS = {"/count_tokens": {"input_tokens": 100}, ":countTokens": {"totalTokens": 100}}


@dataclass(frozen=True, slots=True)
class Record:
    """One request, and what came of it.

    `number` counts the requests of its rule, from 1; 0 for a question aside. `tokens` in and out
    are those that the answer claims; none, if a fault came between. `path` is that of the URL, `at`
    the instant (epoch seconds).
    `heard` are the prompts of the rules that fit to anything that the user has said so far.
    """

    path: str
    model: str = ""
    prompt: str = ""
    number: int = 0
    step: int = 0
    fault: str = ""
    tokens: tuple[int, int] = (0, 0)
    tools: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    at: float = field(default_factory=time.time)


class ModelServer:
    """Plays a script. A context manager: it listens on a port of its own from enter to exit."""

    def __init__(self, script: Script, log: Path | None = None, port: int = 0) -> None:
        self.script = script
        self._log = log
        self._guard = threading.Lock()
        self._records: list[Record] = []
        self._counts: dict[int, int] = {}
        self._total = 0
        self.over = threading.Event()
        self._server = _Listener(("127.0.0.1", port), _Handler)
        self._server.model = self
        # the default looks only twice a second whether it is to end
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        """The address that agents are pointed at."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[Record]:
        """What was asked for so far, in the order of the answers."""
        with self._guard:
            return list(self._records)

    @property
    def work(self) -> list[Record]:
        """What was asked for so far, questions aside left out."""
        return [record for record in self.asked if record.number]

    def note(self, record: Record) -> None:
        """Remembers a request, before it is answered."""
        with self._guard:
            self._records.append(record)
            if self._log is not None:
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(asdict(record)) + "\n")

    def fault_of(self, rule: Rule) -> tuple[int, Fault | None]:
        """Returns the number of a rule's next request, and what happens to it."""
        with self._guard:
            number = self._counts[id(rule)] = self._counts.get(id(rule), 0) + 1
            self._total += 1
            total = self._total
        of_all = next((fault for fault in self.script.faults if fault.meets(total)), None)
        own = next((fault for fault in rule.faults if fault.meets(number)), None)
        return number, own or of_all

    def __enter__(self) -> "ModelServer":  # noqa: PYI034 - Self is younger than Python 3.10
        """Begins to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends; whoever hangs is cut off."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    model: ModelServer

    def handle_error(self, *_: object) -> None:
        # agents hang up when they like
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            traceback.print_exc()


class _Cut(Exception):
    """The connection is to be cut."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(200, {})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.model.note(Record(path))
        if path.endswith("/models"):
            one = {"id": "played", "object": "model", "created": 0, "owned_by": "nobody"}
            self._send(200, {"object": "list", "data": [one], "models": []})
        else:
            self._nothing_here()

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        body = self._body()
        counted = next((said for end, said in _COUNTS.items() if path.endswith(end)), None)
        dialect = next((one for end, one in DIALECTS.items() if path.endswith(end)), None)
        try:
            if counted is not None:
                self._send(200, counted)
            elif dialect is None:
                self.server.model.note(Record(path))
                self._nothing_here()
            else:
                self._answer(path, dialect, body)
        except _Cut:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _answer(self, path: str, dialect: Dialect, body: dict[str, Any]) -> None:
        asked = dialect.asked(path, body)
        model = self.server.model
        if not asked.tools:
            step = dialect.aside(asked, body)
            model.note(Record(path, asked.model, tokens=step.usage))
            self._say(asked, dialect.reply(asked, step), step, None, dialect)
            return
        rule, place = asked.place(model.script)
        step = rule.step(place)
        number, fault = model.fault_of(rule)
        model.note(
            Record(
                path,
                asked.model,
                rule.prompt,
                number,
                place,
                fault.kind if fault else "",
                (0, 0) if fault else step.usage,
                tuple(sorted(asked.tools)),
                asked.heard(model.script),
            )
        )
        self._nap(step.delay)
        if fault is not None and self._refused(fault, asked, dialect):
            return
        self._say(asked, dialect.reply(asked, step), step, fault, dialect)

    def _refused(self, fault: Fault, asked: Asked, dialect: Dialect) -> bool:
        """Answers with the fault, if it comes before the answer or the answer has no events."""
        failure = fault.error
        if fault.broken is not None and not asked.stream:
            failure = fault.broken["error"]
        if failure is not None:
            refusal = dialect.refuse(failure, time.time())
            self._send(failure.status, refusal.body, refusal.headers)
            return True
        silent = fault.hang
        if fault.stall is not None and not asked.stream:
            silent = fault.stall["for"]
        if silent is not None:
            self._nap(silent)
        if silent is not None or fault.drop == 0 or (fault.drop is not None and not asked.stream):
            raise _Cut
        return False

    def _say(
        self, asked: Asked, reply: Reply, step: Step, fault: Fault | None, dialect: Dialect
    ) -> None:
        if not asked.stream:
            self._send(200, reply.whole)
            return
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for at, event in enumerate(reply.events):
            self._break_off(fault, at, dialect)
            self._event(event)
            self._nap(step.pace)
        self._break_off(fault, len(reply.events), dialect)
        self._chunk(b"")

    def _break_off(self, fault: Fault | None, at: int, dialect: Dialect) -> None:
        """Ends the stream before the event of that number, if the fault says so."""
        if fault is None:
            return
        if fault.broken is not None and fault.broken["after"] == at:
            self._event(dialect.refuse(fault.broken["error"], time.time()).event)
            self._chunk(b"")
            raise _Cut
        if fault.stall is not None and fault.stall["after"] == at:
            self._nap(fault.stall["for"])
            raise _Cut
        if fault.drop == at:
            raise _Cut

    def _event(self, event: Event) -> None:
        name, data = event
        head = f"event: {name}\n" if name else ""
        self._chunk(f"{head}data: {json.dumps(data)}\n\n".encode())

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def _nothing_here(self) -> None:
        error = {"type": "not_found_error", "message": "the played model has no such path"}
        self._send(404, {"type": "error", "error": error})

    def _send(
        self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        content = text.encode()
        length = {"content-type": kind, "content-length": str(len(content))}
        self._head(status, {**length, **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _nap(self, seconds: float) -> None:
        """Waits, unless the agent hangs up or the server ends first."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.server.model.over.is_set():
            ready, _, _ = select.select([self.connection], [], [], min(left, 0.1))
            if ready and not self.connection.recv(1, socket.MSG_PEEK):
                raise _Cut
            if ready:
                self.server.model.over.wait(min(left, 0.1))

    def _body(self) -> dict[str, Any]:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            raw = self._chunks()
        if self.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            body = json.loads(raw)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def _chunks(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole
