"""The played model, asked by a plain HTTP client in the words of each API."""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.model_server import ModelServer, Script
from support.waiting import wait_until

HERE = Path(__file__).parent
SHELL = {
    "anthropic": {"name": "Bash"},
    "openai": {"type": "function", "name": "exec_command"},
    "gemini": {"functionDeclarations": [{"name": "run_shell_command"}]},
}
APIS = pytest.mark.parametrize("api", list(SHELL))
STREAMED = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
CALL = {"run": "echo hi"}


class Client:
    """Talks to the server as an agent of that API would: what the user said, what acts gave."""

    def __init__(self, server, api, *, stream=True, tools=True):
        self.server, self.api, self.stream = server, api, stream
        self.tools = [SHELL[api]] if tools else []

    def ask(self, *turns):
        """Returns status, headers and body: `ask("words", ["result of an act"], ...)`."""
        path, body = getattr(self, f"_{self.api}")(turns)
        host = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(host.hostname, host.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def _anthropic(self, turns):
        messages = [
            {"role": "user", "content": turn}
            if isinstance(turn, str)
            else {
                "role": "user",
                "content": [
                    {"type": "tool_result", "content": [{"type": "text", "text": turn[0]}]}
                ],
            }
            for turn in turns
        ]
        body = {"model": "m", "stream": self.stream, "tools": self.tools, "messages": messages}
        return "/v1/messages?beta=true", body

    def _openai(self, turns):
        said = [
            {"role": "user", "content": [{"type": "input_text", "text": turn}]}
            if isinstance(turn, str)
            else {"type": "function_call_output", "output": turn[0]}
            for turn in turns
        ]
        return (
            "/v1/responses",
            {"model": "m", "stream": self.stream, "tools": self.tools, "input": said},
        )

    def _gemini(self, turns):
        parts = [
            {"text": turn}
            if isinstance(turn, str)
            else {"functionResponse": {"name": "x", "response": {"output": turn[0]}}}
            for turn in turns
        ]
        action = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        contents = [{"role": "user", "parts": [part]} for part in parts]
        return f"/v1beta/models/m:{action}", {"contents": contents, "tools": self.tools}


@pytest.fixture
def play(tmp_path):
    """Starts a server with a script: `play({"rules": [...]})`; all are ended afterwards."""
    servers = []

    def start(document):
        server = ModelServer(Script.of(document), tmp_path / "log.jsonl")
        servers.append(server)
        return server.__enter__()

    yield start
    for server in servers:
        server.__exit__()


@APIS
@STREAMED
def test_acts_come_one_by_one_and_then_the_text(play, api, stream):
    steps = [CALL, {"text": "I saw {last}"}]
    client = Client(play({"rules": [{"steps": steps}]}), api, stream=stream)

    _, _, first = client.ask("do it")
    _, _, second = client.ask("do it", ["hi"])
    _, _, third = client.ask("do it", ["hi"], ["again"])

    assert "echo hi" in first
    assert SHELL[api].get("name", "run_shell_command") in first
    assert "I saw hi" in second
    assert "done" in third


@STREAMED
def test_what_the_model_thinks_comes_before_the_text_where_the_api_tells_of_it(play, stream):
    client = Client(
        play({"rules": [{"steps": [{"text": "Yes.", "think": "Is it?"}]}]}),
        "anthropic",
        stream=stream,
    )

    _, _, said = client.ask("say")

    assert said.index('"thinking"') < said.index("Is it?") < said.index("Yes.")


@APIS
def test_the_first_rule_that_fits_the_latest_words_answers(play, api):
    rules = [
        {"prompt": "red", "steps": [{"text": "R"}]},
        {"prompt": "blue", "steps": [CALL, {"text": "after blue"}]},
        {"steps": [{"text": "whatever"}]},
    ]
    server = play({"rules": rules})
    client = Client(server, api, stream=False)

    texts = [
        client.ask(*turns)[2]
        for turns in (
            ["say red and blue"],
            ["say red", ["x"], ["y"], "now blue", ["z"]],
            ["say green"],
        )
    ]

    wanted = ["R", "after blue", "whatever"]
    assert [word for text, word in zip(texts, wanted, strict=True) if word in text] == wanted
    assert [record.step for record in server.asked] == [0, 1, 0]


@APIS
@STREAMED
def test_an_error_has_its_status_its_headers_and_the_words_of_its_api(play, api, stream):
    error = {"status": 429, "message": "slow down", "retry_after": 2}
    server = play({"rules": [{"faults": [{"at": 1, "error": error}], "steps": [{"text": "ok"}]}]})
    client = Client(server, api, stream=stream)

    status, headers, body = client.ask("x")
    again, _, text = client.ask("x")

    assert (status, headers["retry-after"]) == (429, "2")
    assert json.loads(body)["error"]["message"] == "slow down"
    assert (again, "ok" in text) == (200, True)
    assert [record.fault for record in server.asked] == ["error", ""]


def test_a_usage_limit_is_told_as_each_service_tells_it(play):
    error = {"status": 429, "reset": 3600}
    server = play({"faults": [{"error": error}]})
    before = int(time.time())

    _, headers, _ = Client(server, "anthropic").ask("x")
    _, _, openai = Client(server, "openai").ask("x")
    _, _, gemini = Client(server, "gemini").ask("x")

    assert headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert int(headers["anthropic-ratelimit-unified-reset"]) >= before + 3600
    assert json.loads(openai)["error"]["type"] == "usage_limit_reached"
    assert json.loads(openai)["error"]["resets_at"] >= before + 3600
    assert "PerDay" in json.dumps(json.loads(gemini)["error"]["details"])


@APIS
@STREAMED
def test_a_connection_is_cut_before_the_head(play, api, stream):
    client = Client(play({"faults": [{"drop": 0}]}), api, stream=stream)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        client.ask("x")


@pytest.mark.parametrize("api", ["anthropic", "openai"])
def test_a_connection_is_cut_amid_the_stream(play, api):
    client = Client(play({"faults": [{"drop": 2}]}), api)

    with pytest.raises(http.client.IncompleteRead) as cut:
        client.ask("x")

    assert cut.value.partial.count(b"event: ") == 2


@pytest.mark.parametrize(("api", "name"), [("anthropic", "error"), ("openai", "response.failed")])
def test_an_error_comes_amid_the_stream(play, api, name):
    broken = {"after": 1, "error": {"status": 529, "message": "too much"}}
    client = Client(play({"faults": [{"broken": broken}]}), api)

    status, _, body = client.ask("x")

    events = [line for line in body.splitlines() if line.startswith("event: ")]
    assert (status, len(events), events[1]) == (200, 2, f"event: {name}")
    assert "too much" in body


@pytest.mark.parametrize("fault", [{"hang": 600}, {"stall": {"after": 2, "for": 600}}])
def test_a_server_that_ends_cuts_off_whoever_hangs(play, fault):
    server = play({"faults": [fault]})
    client = subprocess.Popen(
        [sys.executable, "-c", HANGING, server.url], stdout=subprocess.PIPE, text=True
    )
    with client:
        assert client.stdout.readline() == "asking\n"
        wait_until(lambda: server.asked)

        server.over.set()

        assert client.stdout.readline() == "cut off\n"


HANGING = """
import http.client, sys
from urllib.parse import urlsplit
host = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(host.hostname, host.port)
body = '{"stream": true, "tools": [{"name": "Bash"}], "messages": []}'
print("asking", flush=True)
try:
    connection.request("POST", "/v1/messages", body)
    connection.getresponse().read()
except (http.client.HTTPException, ConnectionError):
    print("cut off", flush=True)
"""


@APIS
def test_a_question_aside_is_answered_without_the_script(play, api):
    server = play({"faults": [{"error": {"status": 500}}]})

    status, _, _ = Client(server, api, tools=False).ask("a title, please")

    assert status == 200
    assert (len(server.asked), server.work) == (1, [])


def test_tokens_are_counted_beforehand_without_the_script(play):
    server = play({"faults": [{"error": {"status": 500}}]})
    host = urlsplit(server.url)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=10)

    connection.request("POST", "/v1/messages/count_tokens", "{}")

    assert json.loads(connection.getresponse().read()) == {"input_tokens": 100}
    connection.close()


def test_each_request_is_written_down_with_the_tokens_that_its_answer_claims(play, tmp_path):
    steps = [{"text": "a", "usage": [7, 3]}]
    server = play({"rules": [{"prompt": "x", "steps": steps}]})

    Client(server, "anthropic").ask("x")

    (record,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert (record["prompt"], record["number"], record["tokens"]) == ("x", 1, [7, 3])
    assert record["tools"] == ["Bash"]


@pytest.mark.parametrize(
    ("tool", "key"), [("Write", "file_path"), ("write_file", "file_path"), ("write", "filePath")]
)
def test_a_file_is_written_by_the_agents_own_tool_below_where_it_works(play, tmp_path, tool, key):
    server = play({"rules": [{"steps": [{"write": {"path": "a.txt", "content": "hi"}}]}]})
    client = Client(server, "anthropic", stream=False)
    client.tools = [{"name": tool}]

    _, _, body = client.ask(f"Primary working directory: {tmp_path}\nwrite")

    (block,) = json.loads(body)["content"]
    assert (block["name"], block["input"]) == (
        tool,
        {key: str(tmp_path / "a.txt"), "content": "hi"},
    )


def test_an_agent_without_tools_for_files_gets_them_done_by_its_shell(play, tmp_path):
    write = {"path": "deep/a.txt", "content": "it's\n"}
    server = play({"rules": [{"steps": [{"write": write}, {"read": "deep/a.txt"}]}]})
    client = Client(server, "anthropic", stream=False)

    commands = [
        json.loads(client.ask("go", *results)[2])["content"][0]["input"]["command"]
        for results in ([], [["ok"]])
    ]

    for command in commands:
        shown = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert shown.stdout == b"it's\n"


@pytest.mark.parametrize(
    "document",
    [
        {"rule": []},
        {"rules": [{"promt": "x"}]},
        {"rules": [{"steps": [{"text": "a", "run": "b"}]}]},
        {"rules": [{"steps": [{"write": {"path": "a"}, "colour": "red"}]}]},
        {"faults": [{"at": "3-2", "hang": 1}]},
        {"faults": [{"hang": 1, "drop": 2}]},
        {"faults": [{"error": {"state": 500}}]},
    ],
)
def test_a_script_with_a_slip_is_not_played(document):
    with pytest.raises((ValueError, TypeError)):
        Script.of(document)


@pytest.mark.slow
def test_a_script_is_a_small_yaml_file_and_can_be_played_by_hand(tmp_path):
    script = tmp_path / "script.yaml"
    script.write_text("rules:\n  - prompt: hello\n    steps:\n      - text: good day\n")
    command = [sys.executable, "-m", "support.model_server", str(script)]

    with subprocess.Popen(command, cwd=HERE, stderr=subprocess.PIPE, stdout=-3, text=True) as child:
        try:
            url = child.stderr.readline().strip()
            status, _, body = Client(_At(url), "anthropic").ask("hello")
        finally:
            child.terminate()

    assert (status, "good day" in body) == (200, True)


class _At:
    """A server that somebody else has started."""

    def __init__(self, url):
        self.url = url
