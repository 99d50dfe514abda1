"""Services for people: a real Apprise, and a server on loopback as one of them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.notify import Note, addresses_of, messenger


class _Chat(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def chat():
    with HTTPServer(("127.0.0.1", 0), _Chat) as server:
        server.received, server.status = [], 200
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def address(server):
    return f"json://127.0.0.1:{server.server_address[1]}"


def test_a_service_gets_the_title_and_the_text(chat):
    told = messenger([address(chat)])(Note("shop: 2 of 2 tasks done", "took 3 s"))

    assert told is None
    (message,) = chat.received
    assert (message["title"], message["message"]) == ("shop: 2 of 2 tasks done", "took 3 s")


def test_a_service_that_refuses_is_a_sentence_without_its_address(chat, capsys):
    chat.status = 500

    told = messenger([address(chat)])(Note("shop: 2 of 2 tasks done", ""))

    assert told == "not everybody could be told that shop: 2 of 2 tasks done"
    assert capsys.readouterr() == ("", "")


def test_an_address_may_come_from_a_variable():
    environ = {"CHAT": "json://chat.example.org/secret", "KEY": "k"}

    found = addresses_of(["$CHAT", "${CHAT}", "json://x.example.org/$KEY"], environ)

    assert found == (environ["CHAT"], environ["CHAT"], "json://x.example.org/k")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("$CHAT", "variables that are not set: `CHAT`"),
        ("pigeon://roof", "or lacks what it needs for it: `pigeon://roof`"),
        ("not an address", "or lacks what it needs for it: `not an address`"),
    ],
)
def test_who_can_t_be_told_is_said_before_the_run(entry, words):
    with pytest.raises(EnvironmentProblem) as raised:
        addresses_of([entry], {})

    assert words in raised.value.problems[0].what


def test_nobody_needs_apprise_who_names_no_service(monkeypatch):
    monkeypatch.setattr("parallel_orchestra.notify.services.find_spec", lambda name: None)

    assert addresses_of([], {}) == ()
    with pytest.raises(EnvironmentProblem) as raised:
        addresses_of(["json://x"], {})
    assert "pip install 'parallel-orchestra[notify]'" in raised.value.problems[0].hint
