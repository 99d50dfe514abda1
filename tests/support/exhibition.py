"""Made-up runs with all that a page shows: phases, waits, logs, prompts, merges, cost and tokens."""

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import (
    Check,
    Exhibit,
    FileChange,
    IntegrationReport,
    Landed,
    Mark,
    Outcome,
    Stretch,
    Wait,
)
from support import runs

T = runs.START
PYTEST = """\
============================= test session starts ==============================
collected 13 items

tests/test_payments.py .......F.....                                     [100%]

=================================== FAILURES ===================================
_________________________________ test_refund __________________________________

    def test_refund():
        order = paid_order(1999)
>       assert refund(order) == 0
E       AssertionError: assert 1999 == 0
E        +  where 1999 = refund(<Order 17>)

tests/test_payments.py:41: AssertionError
=========================== short test summary info ============================
FAILED tests/test_payments.py::test_refund - AssertionError: assert 1999 == 0
========================= 1 failed, 12 passed in 0.31s ========================="""
CLASH = """\
CONFLICT (content): Merge conflict in src/static/shop.css

src/static/shop.css:12
  body {
    margin: 0;
  <<<<<<< admin
    font: 15px/1.4 sans-serif;
  =======
    font: 17px/1.6 serif;
  >>>>>>> style
  }"""
STORY = """\
ok      Read src/models.py
ok      Read tests/conftest.py
ok      Write {file}
ok      Bash: pytest -q
says    Done: {title}, with tests. All of them pass."""
PROMPT = "# Task `{id}`: {title}\n\nWrite it in `{file}`, with tests beside it. Keep to the style of the project."


def tried(task, title, slot, begin, *lengths, failure="", number=1, **facts):
    """Returns an attempt of these seconds of set-up, agent, verify and merge, with its papers."""
    folder = f"attempts/{task}/{number}.{runs.OWNER}"
    file = f"src/{task.replace('-', '_')}.py"
    ends = [begin + sum(lengths[: place + 1]) for place in range(len(lengths))]
    names = ("agent", "verify", "merge")[: max(len(lengths) - 1, 0)]
    phases = tuple(Stretch(name, T + end) for name, end in zip(names, ends, strict=False))
    exhibits = [
        Exhibit(f"{folder}/prompt.md", PROMPT.format(id=task, title=title, file=file)),
        Exhibit(f"{folder}/agent.log", STORY.format(file=file, title=title), cut=True),
    ]
    if failure == "conflict":
        exhibits.append(Exhibit(f"{folder}/conflict.log", CLASH))
    elif failure == "verify":
        exhibits.append(Exhibit(f"{folder}/verify.log", PYTEST))
    elif "verify" in names and lengths[2]:
        exhibits.append(Exhibit(f"{folder}/verify.log", "14 passed in 0.42s"))
    if failure in ("conflict", "verify"):
        facts = {"told_in": exhibits[-1].path} | facts
    if failure == "transient":
        exhibits[-1] = Exhibit(f"{folder}/agent.log", "API Error: 529 overloaded")
    facts = {
        "cost_usd": round(0.011 * sum(lengths), 2),
        "input_tokens": int(900 * sum(lengths)),
        "output_tokens": int(75 * sum(lengths)),
        "turns": 9,
        "session": "5e55",
        "log": f"{folder}/agent.log",
    } | facts
    return runs.attempt(
        number,
        T + begin,
        sum(lengths),
        slot=slot,
        failure=failure,
        phases=phases,
        exhibits=tuple(exhibits),
        **facts,
    )


def merged(at, *files):
    """Returns what a merge changed: (path, added, removed)."""
    return Landed(T + at, tuple(FileChange(*one) for one in files))


def _done(task, title, needs, *attempts, lines=(60, 3), **facts):
    file = f"src/{task.replace('-', '_')}.py"
    end = attempts[-1].started + attempts[-1].seconds - T
    changes = merged(
        end, (file, lines[0], 0), (f"tests/test_{task}.py", 21, 0), ("README.md", 2, lines[1])
    )
    facts = {"commit": f"{sum(map(ord, task)):040x}"[::-1], "landed": changes} | facts
    return runs.task(
        task, title=title, depends_on=needs, backend="claude", attempts=attempts, **facts
    )


def shop(**facts):
    """Returns twelve tasks on three workers: two failed, two skipped, one done by a second try."""
    said = "Tables for products, carts and orders"
    tasks = (
        _done("data-model", said, (), tried("data-model", said, 1, 2, 4, 61, 9, 2), lines=(148, 0)),
        _done("cart", "Cart with totals and discounts", ("data-model",),
              tried("cart", "Cart with totals and discounts", 1, 79, 3, 72, 12, 2), lines=(96, 12)),
        _done("search", "Search with an inverted index", ("data-model",),
              tried("search", "Search with an inverted index", 2, 79, 3, 118, 15, 3), lines=(233, 4)),
        _done("accounts", "Sign-up, login, sessions", ("data-model",),
              tried("accounts", "Sign-up, login, sessions", 3, 79, 3, 96, 11, 2), lines=(131, 0)),
        runs.task(
            "payments", Outcome.FAILED, title="Card payments through the provider",
            depends_on=("cart",), backend="claude", failures=2, failure="verify",
            reason="`pytest -q tests/test_payments.py` exited with code 1",
            kept=("refs/orchestra/20261121-030000-1f2e/salvage/payments/2",),
            attempts=(
                tried("payments", "Card payments", 1, 169, 3, 84, 14, failure="verify", reason="1 failed"),
                tried("payments", "Card payments", 1, 272, 1, 63, 14, failure="verify", number=2, way="session"),
            ),
        ),
        runs.task("checkout-page", Outcome.SKIPPED, title="Checkout page", backend="claude",
                  depends_on=("payments", "accounts"), reason="`payments`, which it needs, failed"),
        _done("search-page", "Search page", ("search",),
              tried("search-page", "Search page", 2, 219, 3, 12, failure="transient", reason="overloaded"),
              tried("search-page", "Search page", 2, 246, 2, 66, 12, 2, number=2), lines=(88, 9)),
        _done("admin", "Admin pages", ("accounts",),
              tried("admin", "Admin pages", 3, 192, 3, 101, 13, 2), lines=(177, 2)),
        runs.task("emails", Outcome.SKIPPED, title="Order confirmation by e-mail", backend="claude",
                  depends_on=("checkout-page",), reason="`payments`, which it needs, failed"),
        _done("deployment", "How to run and deploy", (),
              tried("deployment", "How to run and deploy", 2, 2, 4, 41, 5, 1), lines=(40, 0)),
        runs.task(
            "style", Outcome.FAILED, title="Look and feel", backend="claude", failures=1,
            depends_on=("search-page", "admin"), failure="conflict", reason="conflict in 2 files",
            against=("admin",), files=("src/static/shop.css", "src/templates/base.html"),
            kept=("refs/heads/orchestra-kept/web-shop/style-1",),
            attempts=(tried("style", "Look and feel", 2, 331, 3, 58, 0, 2, failure="conflict"),),
        ),
        runs.task("load-test", title="A load test of the search", read_only=True, backend="claude",
                  depends_on=("search",), attempts=(tried("load-test", "A load test", 3, 313, 2, 74),)),
    )  # fmt: skip
    facts = {
        "name": "Web shop, first milestone",
        "source": "/home/ana/shop/plan.md",
        "cwd": "/home/ana/shop",
        "tasks_dir": "/home/ana/shop/_tasks",
        "workers": 3,
        "mode_reason": "9 of 12 tasks can run beside others, up to 4 at once",
        "ended": T + 396,
        "integration": "refs/heads/orchestra/web-shop-first-milestone",
        "exit_code": ExitCode.WAITS_FOR_PERSON,
        "critical_path_seconds": 351.0,
        "integration_report": IntegrationReport(
            at=T + 395,
            commit="c" * 40,
            merged=7,
            total=12,
            checks=(
                Check("branch", Mark.ODD, "7 of 12 tasks merged"),
                Check("boundaries", Mark.ODD, "1 file changed that was not declared"),
                Check(
                    "tests",
                    Mark.BAD,
                    "`pytest -q` exited with code 1",
                    "integration/tests.log",
                    8.1,
                ),
                Check("types", Mark.GOOD, "`mypy src` passed", "integration/types.log", 3.2),
                Check("lint", Mark.UNKNOWN, "the plan names no command"),
            ),
            must=("`tests` fail: `pytest -q` exited with code 1",),
            should=("`search` changed `README.md`, which it does not declare",),
        ),
        "waits": (Wait("claude", "5-hour limit reached, resets 3:06", T + 60, T + 78),),
    } | facts
    return runs.run(*tasks, **facts)


def many(count=300, workers=4, failing=17):
    """Returns so many tasks in layers, on so many workers; each of so many tasks failed."""
    free, tasks, end = [2.0] * workers, [], 0.0
    for place in range(count):
        slot = min(range(workers), key=free.__getitem__)
        id_, title = f"task-{place:04d}", f"Write part {place} of the whole"
        length = 5.0 + place * 7 % 23
        failed = place % failing == failing - 1
        lengths = (1.0, length, 2.0) if failed else (1.0, length, 2.0, 0.5)
        attempt = tried(
            id_, title, slot + 1, free[slot], *lengths, failure="verify" if failed else ""
        )
        free[slot] += sum(lengths) + 0.3
        needs = tuple(
            f"task-{place - step:04d}" for step in (13, 20) if place >= 20 and step < place
        )
        if failed:
            tasks.append(
                runs.task(id_, Outcome.FAILED, title=title, depends_on=needs, backend="claude",
                          failure="verify", reason="`pytest -q` exited with code 1", attempts=(attempt,))
            )  # fmt: skip
        else:
            tasks.append(_done(id_, title, needs, attempt))
        end = max(free)
    return runs.run(
        *tasks,
        name=f"{count} parts",
        workers=workers,
        ended=T + end,
        exit_code=ExitCode.TASK_FAILED,
        critical_path_seconds=300.0,
    )
