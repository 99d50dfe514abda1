"""Which webhook addresses a plan may name: https, and no machine of the user's own network.

Pure: looks at the words of the URL and asks no name server. A public-looking name may still
lead to a private address, so `notify` asks `private` again about every address that the name
resolves to.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

#: What servers and proxies commonly accept as a URL; also the published tool's limit.
MAX_LENGTH = 2048

#: Names that every machine resolves to itself, or that a cloud resolves to its metadata service
#: (which hands out credentials to whoever can make a request from inside).
_OWN_NAMES = frozenset({
    "localhost", "localhost.localdomain", "localhost4", "localhost6",
    "localhost4.localdomain4", "localhost6.localdomain6",
    "ip6-localhost", "ip6-loopback", "broadcasthost",
    "metadata", "metadata.goog", "instance-data", "instance-data.ec2.internal",
})  # fmt: skip

#: Reserved for names inside a network: RFC 6761, 6762, 8375, and ICANN's `.internal` (2024).
_INSIDE = (".localhost", ".local", ".internal", ".home.arpa")

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
#: A name that ends in a number is an IPv4 address in one of inet_aton(3)'s spellings:
#: `2130706433`, `127.1`, `0x7f.1` and `0177.0.0.1` all mean 127.0.0.1.
_NUMBER_LAST = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\]")

#: Prefixes that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052), IPv4-compatible,
#: IPv4-mapped and IPv4-translated addresses.
_CARRIERS = tuple(
    IPv6Network(prefix) for prefix in ("64:ff9b::/96", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")
)


def url_problem(url: str) -> str | None:
    """Returns what is wrong with a webhook's URL, or None if nothing can be seen from its words.

    The sentence starts lower case, ends without a full stop and never repeats the URL's path,
    which is a secret with many services.
    """
    if len(url) > MAX_LENGTH:
        return f"a webhook's URL may have {MAX_LENGTH} characters, this one has {len(url)}"
    if _FORBIDDEN.search(url):
        return "a webhook's URL may not hold spaces, control characters or backslashes"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"a webhook's URL must be well formed: {str(error)[:100]}"
    if parts.scheme != "https":
        return "a webhook's URL must begin with `https://`"
    if parts.username is not None or parts.password is not None:
        return "a webhook's URL may not hold a user name or password"
    if port == 0:
        return "a webhook's URL may not name port 0"
    return _host_problem(parts)


def host_of(url: str) -> str:
    """Returns the host that a URL names: lower case, no brackets, no dot at its end."""
    return (urlsplit(url).hostname or "").rstrip(".")


def private(address: str) -> bool:
    """Returns whether a numeric address is not one of the public Internet.

    True also for addresses that carry a private IPv4 address inside (mapped, NAT64, 6to4,
    Teredo), and for what is no address at all.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return not all(_public(each) for each in (_carried(parsed) or (parsed,)))


def _host_problem(parts: SplitResult) -> str | None:
    host = (parts.hostname or "").rstrip(".")
    if not host:
        return "a webhook's URL must name a host"
    if "[" in parts.netloc:
        return _bracketed_problem(host)
    if not host.isascii():
        return "a webhook's host must be written in ASCII (`xn--...`)"
    if not _NAME.fullmatch(host):
        return f"a webhook's host may hold letters, digits, `-`, `_` and dots, not `{host[:100]}`"
    if _NUMBER_LAST.fullmatch(host):
        return _number_problem(host)
    if host in _OWN_NAMES or host.endswith(_INSIDE):
        return _private_problem(host)
    return None


def _bracketed_problem(host: str) -> str | None:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        # Before Python 3.11, urlsplit let anything stand in brackets.
        return f"a webhook's URL must be well formed: `{host[:100]}` is no IPv6 address"
    return _private_problem(host) if "%" in host or private(host) else None


def _number_problem(host: str) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        return f"a webhook's numeric host must be four decimal numbers, not `{host[:100]}`"
    return _private_problem(host) if private(host) else None


def _private_problem(host: str) -> str:
    return f"a webhook must be on the public Internet, `{host[:100]}` is not"


def _carried(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """Returns the IPv4 addresses that packets to this address end up at; none if it is its own."""
    if isinstance(address, IPv4Address):
        return ()
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in carrier for carrier in _CARRIERS):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


def _public(address: IPv4Address | IPv6Address) -> bool:
    # `is_global` alone is true for most of multicast, and for fec0::/10 (site local, RFC 3879)
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)
