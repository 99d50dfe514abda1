import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.model import FailureClass, Task
from parallel_orchestra.process import Ending, Exit

COMMAND = BACKENDS["command"]


@pytest.fixture
def settings(tmp_path):
    return AgentSettings(environ={"PATH": "/bin"}, cwd=tmp_path)


def task(command="true"):
    return Task(id="a", backend="command", command=command)


def test_a_line_goes_to_the_shell(settings):
    assert COMMAND.call(task("a | b"), settings).argv == ("sh", "-c", "a | b")


def test_a_list_is_run_as_it_is(settings):
    assert COMMAND.call(task(("a", "b c")), settings).argv == ("a", "b c")


def test_the_text_is_the_last_lines_of_stdout_that_say_something(settings):
    stdout = b"".join(b"line %d\n\n" % number for number in range(100))

    answer = COMMAND.answer(task(), settings, Exit(Ending.EXITED, 0, stdout, b"noise"))

    assert answer.text == "\n".join(f"line {number}" for number in range(60, 100))


@pytest.mark.parametrize(
    ("code", "stderr", "failure", "reason"),
    [
        (1, b"first\nno such luck\n", FailureClass.TRANSIENT, "exit code 1: no such luck"),
        (1, b"", FailureClass.TRANSIENT, "exit code 1: on stdout"),
        (126, b"sh: x: denied\n", FailureClass.PERMANENT, "exit code 126: sh: x: denied"),
        (127, b"sh: x: not found\n", FailureClass.PERMANENT, "exit code 127: sh: x: not found"),
        (-9, b"", FailureClass.TRANSIENT, "ended by SIGKILL: on stdout"),
    ],
)
def test_an_exit_code_becomes_a_class_and_a_reason(settings, code, stderr, failure, reason):
    ended = Exit(Ending.EXITED, code, b"on stdout\n", stderr)

    answer = COMMAND.answer(task(), settings, ended)

    assert (answer.failure, answer.reason) == (failure, reason)
