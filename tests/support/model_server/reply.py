"""What an API has to say for one request, ready to be written: whole, or as events."""

import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from support.model_server.conversation import Asked
from support.model_server.script import Failure, Step

#: The name of an event, which may be none, and its data.
Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer, whole and as events."""

    whole: dict[str, Any]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error: its body, its headers, and the event that it is amid a stream."""

    body: dict[str, Any] | str
    headers: dict[str, str]
    event: Event


class Dialect(Protocol):
    """An API that is spoken. Implementations keep no state."""

    def asked(self, path: str, body: dict[str, Any]) -> Asked:
        """Returns what a request asks for."""

    def reply(self, asked: Asked, step: Step) -> Reply:
        """Returns how this API says a step."""

    def aside(self, asked: Asked, body: dict[str, Any]) -> Step:
        """Returns the answer to a small question beside the work: a title, which model to take."""

    def refuse(self, failure: Failure, now: float) -> Refusal:
        """Returns how this API says an error; `now` in seconds since the epoch."""


def new_id(prefix: str) -> str:
    """Returns an id that nothing else has."""
    return f"{prefix}_{uuid.uuid4().hex[:20]}"


def waiting(failure: Failure) -> dict[str, str]:
    """Returns the header that says how long to wait, if the failure says so."""
    seconds = failure.retry_after if failure.reset is None else failure.reset
    return {} if seconds is None else {"retry-after": f"{seconds:g}"}
