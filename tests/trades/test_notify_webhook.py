import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from parallel_orchestra.notify import Message, Occasion, tell
from parallel_orchestra.notify.webhook import Network

CERTIFICATE = Path(__file__).parent / "webhook_server" / "certificate.pem"
PUBLIC = "93.184.215.14"
URL = "https://hooks.example.com/services/secret?a=b"
MESSAGE = Message(
    Occasion.FAILURE,
    manifest="nightly",
    total=4,
    succeeded=2,
    failed=1,
    skipped=1,
    duration_sec=12.5,
)


class Hook(HTTPServer):
    """A webhook on loopback, by https, that remembers what it was sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.status = 204
        self.received = []

    def handle_error(self, request, client_address):
        pass  # a client that trusts nobody hangs up


class _Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Location", "https://127.0.0.1/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def hook():
    with Hook() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def leading_to(server, *, addresses=(PUBLIC,), trusting=True, connected=None):
    """A network where every address is that server."""

    def connect(address, port, timeout):
        if connected is not None:
            connected.append((address, port))
        return socket.create_connection(server.server_address, timeout)

    context = ssl.create_default_context(cafile=CERTIFICATE if trusting else None)
    return Network(lambda host, port: addresses, connect, context)


def test_a_webhook_gets_the_published_keys_as_json(hook):
    problem = tell(URL, MESSAGE, network=leading_to(hook))

    assert problem is None
    assert hook.received == [
        (
            "/services/secret?a=b",
            "application/json",
            {
                "event": "failure",
                "manifest": "nightly",
                "total": 4,
                "succeeded": 2,
                "failed": 1,
                "skipped": 1,
                "duration_sec": 12.5,
            },
        )
    ]


def test_the_connection_goes_to_the_address_that_was_checked(hook):
    connected = []

    tell("https://hooks.example.com:8443/", MESSAGE, network=leading_to(hook, connected=connected))

    assert connected == [(PUBLIC, 8443)]


@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1",), (PUBLIC, "10.0.0.1"), ("::1",), ("fe80::1%eth0",), ()],
    ids=["loopback", "one of two", "v6", "link local", "none"],
)
def test_a_name_that_leads_into_the_own_network_is_not_told(hook, addresses):
    problem = tell(URL, MESSAGE, network=leading_to(hook, addresses=addresses))

    assert problem == "the webhook at `hooks.example.com` is not on the public Internet"
    assert hook.received == []


def test_a_url_that_is_refused_is_not_even_looked_up():
    problem = tell("http://hooks.example.com/", MESSAGE, network=Network(None, None))

    assert problem == "a webhook's URL must begin with `https://`"


@pytest.mark.parametrize(
    ("status", "words"),
    [(302, "answered 302: redirects are not followed"), (500, "answered 500")],
)
def test_any_answer_but_success_is_a_sentence(hook, status, words):
    hook.status = status

    problem = tell(URL, MESSAGE, network=leading_to(hook))

    assert problem == f"the webhook at `hooks.example.com` {words}"
    assert len(hook.received) == 1


def test_a_certificate_that_nobody_trusts_is_a_sentence(hook):
    problem = tell(URL, MESSAGE, network=leading_to(hook, trusting=False))

    assert problem is not None
    assert problem.startswith("the webhook at `hooks.example.com` could not be told: ")
    assert "certificate" in problem.lower()
    assert hook.received == []


def test_a_name_that_nobody_knows_is_a_sentence():
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    problem = tell(URL, MESSAGE, network=Network(unknown, None))

    assert problem == (
        "the webhook at `hooks.example.com` could not be told: Name or service not known"
    )


def test_the_next_address_is_tried_when_one_refuses(hook):
    def connect(address, port, timeout):
        if address != PUBLIC:
            raise ConnectionRefusedError
        return socket.create_connection(hook.server_address, timeout)

    way = leading_to(hook, addresses=("93.184.215.15", PUBLIC))

    problem = tell(URL, MESSAGE, network=Network(way.resolve, connect, way.context))

    assert problem is None


def test_a_server_that_never_answers_costs_no_more_than_the_limit():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()
        way = Network(
            lambda host, port: (PUBLIC,),
            lambda *_: socket.create_connection(address, timeout=0.3),
            ssl.create_default_context(cafile=CERTIFICATE),
        )
        began = time.monotonic()

        problem = tell(URL, MESSAGE, timeout=0.1, network=way)

        assert time.monotonic() - began < 60
        assert problem == "the webhook at `hooks.example.com` did not answer within 0.1 s"


def test_a_look_up_that_hangs_costs_no_more_than_the_limit():
    answered = threading.Event()

    def hanging(host, port):
        answered.wait(10)
        return ()

    problem = tell(URL, MESSAGE, timeout=0.05, network=Network(hanging, None))
    answered.set()

    assert problem == "the webhook at `hooks.example.com` did not answer within 0.05 s"
