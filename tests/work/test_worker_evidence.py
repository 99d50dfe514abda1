"""What a task is expected to leave behind, and what is said when it is not there."""

import os

import pytest

from parallel_orchestra.model import Evidence
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.worker.evidence import lacking_file, lacking_output
from support.repository import write_files

FILES = {"dist/app-1.js": "let a\n", "dist/deep/b.css": "", "odd[1].txt": "x\n", "é.md": "ü\n"}


@pytest.fixture
def folder(tmp_path):
    write_files(tmp_path, FILES)
    return tmp_path


@pytest.mark.parametrize(
    "path", ["dist", "dist/app-1.js", "dist/*.js", "**/*.css", "odd[1].txt", "é.md"]
)
def test_a_path_that_is_there_lacks_nothing(folder, path):
    assert lacking_file(folder, Evidence(path)) == ""


@pytest.mark.parametrize("path", ["dist/app.js", "*.js", "dist/**/*.py"])
def test_a_path_that_is_missing_is_named(folder, path):
    assert lacking_file(folder, Evidence(path)) == f"there is no `{path}`"


def test_text_is_looked_for_in_all_files_that_fit(folder):
    assert lacking_file(folder, Evidence("dist/*", contains="let a")) == ""
    assert lacking_file(folder, Evidence("é.md", contains="ü")) == ""
    assert lacking_file(folder, Evidence("dist/*", contains="let b")) == (
        "`dist/*` does not contain `let b`"
    )


def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(folder):
    os.mkfifo(folder / "pipe")

    assert lacking_file(folder, Evidence("pipe", contains="x")) == "`pipe` does not contain `x`"


@pytest.mark.parametrize(
    ("ended", "lack"),
    [
        (Exit(Ending.EXITED, 0, b"shop 1.2\n"), ""),
        (Exit(Ending.EXITED, 0, b"", b"1.2"), ""),
        (Exit(Ending.EXITED, 0, b"1.1\n"), "`shop -V` did not print `1.2`; it printed:\n1.1"),
        (Exit(Ending.EXITED, 0), "`shop -V` did not print `1.2`; it printed nothing"),
        (Exit(Ending.EXITED, 3, b"1.2"), "`shop -V` exited with code 3; it printed:\n1.2"),
    ],
)
def test_the_output_of_a_command_is_judged_with_its_exit_code(ended, lack):
    assert lacking_output(Evidence(command="shop -V", contains="1.2"), ended) == lack
