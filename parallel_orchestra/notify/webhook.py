"""Tells a webhook that a run ended, as plans of the published format ask for.

Knows nothing of runs: it gets the figures. It never raises for what is out there and never
waits longer than it was told, because a run's outcome must not hang on somebody's server.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from threading import Thread
from typing import TYPE_CHECKING

from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.webhook import host_of, private, url_problem

if TYPE_CHECKING:
    import socket
    import ssl

#: Seconds for all of it: name look-up, connection, request and answer.
TIMEOUT = 10.0
_HTTPS = 443
#: Addresses of a host that are tried after the first one.
_MOST_ADDRESSES = 8


class Occasion(Enum):
    """Why a webhook is told: the run ended, or it ended with failed tasks."""

    COMPLETE = "complete"
    FAILURE = "failure"


@frozen
class Message:
    """What a webhook is told; the names are the published tool's JSON keys.

    `manifest` is the plan's name; the four counts are of tasks.
    """

    event: Occasion
    manifest: str
    total: int
    succeeded: int
    failed: int
    skipped: int
    duration_sec: float


@frozen
class Network:
    """The way out, so that a test can lead it to itself.

    `resolve` gives all numeric addresses of a host, `connect` opens one of them (address, port,
    seconds), `context` says which certificates are trusted (None: the system's).
    Both raise OSError if they can't.
    """

    resolve: Callable[[str, int], tuple[str, ...]]
    connect: Callable[[str, int, float], "socket.socket"]
    context: "ssl.SSLContext | None" = None


def tell(
    url: str, message: Message, timeout: float = TIMEOUT, network: Network | None = None
) -> str | None:
    """Posts the message as JSON; returns None, or a sentence on why it did not arrive.

    The connection goes to an address that was looked at: https only, nothing private, no
    redirects, no proxy. The sentence names the host only, as the path is often a secret.
    """
    if (problem := url_problem(url)) is not None:
        return problem
    host = host_of(url)
    outcome: list[str | None] = []
    # A look-up knows no time limit, and a server may send one byte every few seconds: only
    # somebody who does not wait for them can keep the limit.
    post = Thread(
        target=lambda: outcome.append(_post(url, message, timeout, network or _the_network())),
        name="webhook",
        daemon=True,
    )
    post.start()
    post.join(timeout)
    if not outcome:
        return f"the webhook at `{host}` did not answer within {timeout:g} s"
    return None if outcome[0] is None else f"the webhook at `{host}` {outcome[0]}"


def _post(url: str, message: Message, timeout: float, network: Network) -> str | None:
    """Returns None, or what went wrong as the end of a sentence that begins with the webhook."""
    # heavy, and hardly any run has a webhook
    import http.client  # noqa: PLC0415
    import ssl  # noqa: PLC0415
    from urllib.parse import urlsplit  # noqa: PLC0415

    parts = urlsplit(url)
    host, port = host_of(url), parts.port or _HTTPS
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = json.dumps({**asdict(message), "event": message.event.value}).encode()
    connection = http.client.HTTPSConnection(host, port, timeout=timeout)
    try:
        addresses = network.resolve(host, port)
        if not addresses or any(private(address) for address in addresses):
            return "is not on the public Internet"
        # connected by us, to an address that was checked: a second look-up might say another
        raw = _connect_to_any(addresses, port, timeout, network)
        context = network.context or ssl.create_default_context()
        connection.sock = context.wrap_socket(raw, server_hostname=host)
        headers = {"Content-Type": "application/json", "User-Agent": "parallel-orchestra"}
        connection.request("POST", path, body, headers)
        with connection.getresponse() as response:
            status = response.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"could not be told: {getattr(error, 'strerror', None) or error}"[:300]
    finally:
        connection.close()
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return None if 200 <= status < 300 else f"answered {status}"


def _connect_to_any(
    addresses: tuple[str, ...], port: int, timeout: float, network: Network
) -> "socket.socket":
    first, *others = addresses
    try:
        return network.connect(first, port, timeout)
    except OSError:
        if not others:
            raise
    return _connect_to_any(tuple(others[:_MOST_ADDRESSES]), port, timeout, network)


def _the_network() -> Network:
    import socket  # noqa: PLC0415 - like in _post

    def resolve(host: str, port: int) -> tuple[str, ...]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))

    def connect(address: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((address, port), timeout)

    return Network(resolve, connect)
