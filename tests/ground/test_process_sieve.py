"""The sieve: which lines are kept whole, however they arrive."""

from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.process import Child, Supervisor
from parallel_orchestra.process.sieve import LONGEST_LINE, MOST_KEPT, Sieve


def kept(words, *pieces):
    sieve = Sieve(words)
    for piece in pieces:
        sieve.put(piece)
    return sieve.content()


@given(st.lists(st.text("ab\n", max_size=9).map(str.encode)))
def test_lines_with_a_word_are_kept_however_the_stream_is_cut(pieces):
    whole = b"".join(pieces)

    found = kept((b"ab", b"ba"), *pieces)

    lines = whole.split(b"\n")[:-1]
    assert found == b"".join(line + b"\n" for line in lines if b"ab" in line or b"ba" in line)


def test_a_line_that_is_too_long_is_passed_over_and_the_next_one_is_not():
    long = b"x" + b"a" * LONGEST_LINE

    assert kept((b"x",), long, b"a\nx short\n") == b"x short\n"
    assert kept((b"x",), long + b"\nx short\n") == b"x short\n"


def test_what_is_kept_has_an_end():
    line = b"x" * 1023 + b"\n"

    found = kept((b"x",), *[line] * (MOST_KEPT // 1024 + 9))

    assert MOST_KEPT - 2048 < len(found) <= MOST_KEPT


def test_lines_are_kept_that_the_tail_of_a_child_has_lost(tmp_path):
    script = "import sys; print('id: 7'); print('.' * 9000); print('id: no', file=sys.stderr)"
    child = Child(
        argv=("python3", "-c", script),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        log=tmp_path / "log",
        tail_bytes=100,
        keep=(b"id: ",),
    )

    with Supervisor() as supervisor:
        ended = supervisor.run(child)

    assert (ended.kept, len(ended.stdout_tail)) == (b"id: 7\n", 100)
