"""Explores the protocol, or a broken variant of it, and tells what it found.

    .venv/bin/python tests/model/run.py --workers 2 --recoverers 2 --kills 1 --suspicions 1
    .venv/bin/python tests/model/run.py --bounds large
    .venv/bin/python tests/model/run.py --variant no-trailer

Ends with 0 if all promises hold in all states, 1 if one is broken or the limit was reached.
"""

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from model.checker import Explored, explore
from model.protocol import PROMISES, Protocol
from model.rules import Bounds
from model.scenes import LARGE, SMALL
from model.variants import VARIANTS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, help="take one decision the other way")
    parser.add_argument("--bounds", choices=("small", "large"), help="what to begin from")
    parser.add_argument("--limit", type=int, default=20_000_000, help="states at most")
    for field in fields(Bounds):
        if field.name == "read_only":
            parser.add_argument("--read-only", action="store_true", default=None)
        else:
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=int)
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace) -> Bounds:
    bounds = {"small": SMALL, "large": LARGE, None: Bounds()}[arguments.bounds]
    if arguments.variant and arguments.bounds is None:
        bounds = VARIANTS[arguments.variant].bounds
    asked = {field.name: getattr(arguments, field.name) for field in fields(Bounds)}
    return replace(bounds, **{name: one for name, one in asked.items() if one is not None})


def _tell(bounds: Bounds, found: Explored, limit: int) -> None:
    print(f"{bounds}")
    print(
        f"{found.states} states, {found.transitions} transitions, depth {found.depth}, "
        f"{found.seconds:.1f} s of CPU"
    )
    for name, story in sorted(found.stories.items()):
        print(f"\n{name} is broken: {PROMISES[name]}. A shortest story:")
        for number, (what, picture) in enumerate(story.lines, 1):
            print(f"{number:4} {what}\n          {picture}")
        if name == "I7":
            print("     from here on nothing that the protocol does brings the task to rest")
    if not found.complete:
        print(f"\nNOT COMPLETE: ended early, or at the limit of {limit} states")
    elif not found.stories:
        print("complete: all promises hold in all states")


def main() -> int:
    """Explores what the command line asks for and returns the exit code."""
    arguments = _arguments()
    bounds = _chosen(arguments)
    variant = VARIANTS.get(arguments.variant)
    protocol = Protocol(bounds, variant.rules if variant else None)
    enough = variant.breaks if variant is not None and variant.endless else frozenset()
    found = explore(protocol, arguments.limit, enough)
    _tell(bounds, found, arguments.limit)
    return int(bool(found.stories) or not found.complete)


if __name__ == "__main__":
    sys.exit(main())
