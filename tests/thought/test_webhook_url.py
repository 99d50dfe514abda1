import pytest

from parallel_orchestra.plan.webhook import host_of, private, url_problem

PUBLIC = (
    "https://hooks.example.com/services/T0/B0/secret",
    "https://hooks.example.com:8443/x?y=1#z",
    "HTTPS://Hooks.Example.COM/",
    "https://xn--bcher-kva.example/",
    "https://ex_am-ple.com",
    "https://hooks.example.com./",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://[::ffff:8.8.8.8]/",
    "https://localhost.example.com/",
    "https://1a.example.com/",
)

NOT_PUBLIC = (
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://localhost./",
    "https://api.localhost/",
    "https://localhost.localdomain/",
    "https://ip6-loopback/",
    "https://printer.local/",
    "https://metadata/",
    "https://metadata.google.internal/",
    "https://metadata.goog/",
    "https://instance-data.ec2.internal/",
    "https://router.home.arpa/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
)

NUMBERS_IN_DISGUISE = (
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.0x1/",
    "https://0/",
    "https://1.2.3.4.5/",
    "https://256.256.256.256/",
    "https://hooks.example.1/",
)


@pytest.mark.parametrize("url", PUBLIC)
def test_a_url_of_the_public_internet_is_fine(url):
    assert url_problem(url) is None


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_a_url_of_the_users_own_network_is_refused(url):
    problem = url_problem(url)

    assert problem is not None
    assert problem.startswith("a webhook must be on the public Internet, `")


@pytest.mark.parametrize("url", NUMBERS_IN_DISGUISE)
def test_another_spelling_of_a_numeric_address_is_refused(url):
    problem = url_problem(url)

    assert problem is not None
    assert problem.startswith("a webhook's numeric host must be four decimal numbers, not `")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com/", "a webhook's URL must begin with `https://`"),
        ("example.com/hook", "a webhook's URL must begin with `https://`"),
        ("", "a webhook's URL must begin with `https://`"),
        ("https://", "a webhook's URL must name a host"),
        ("https:///hook", "a webhook's URL must name a host"),
        ("https://./hook", "a webhook's URL must name a host"),
        ("https://:443/hook", "a webhook's URL must name a host"),
        ("https://example.com:0/", "a webhook's URL may not name port 0"),
        (
            "https://user:word@example.com/",
            "a webhook's URL may not hold a user name or password",
        ),
        (
            "https://example.com\\@127.0.0.1/",
            "a webhook's URL may not hold spaces, control characters or backslashes",
        ),
        (
            "https://example.com/\r\nHost: x",
            "a webhook's URL may not hold spaces, control characters or backslashes",
        ),
        ("https://bücher.example/", "a webhook's host must be written in ASCII (`xn--...`)"),
        (
            "https://exa%6dple.com/",
            "a webhook's host may hold letters, digits, `-`, `_` and dots, not `exa%6dple.com`",
        ),
        (
            "https://a..b/",
            "a webhook's host may hold letters, digits, `-`, `_` and dots, not `a..b`",
        ),
        (
            "https://example.com/" + "x" * 2048,
            "a webhook's URL may have 2048 characters, this one has 2068",
        ),
    ],
)
def test_a_malformed_url_is_refused_with_the_reason(url, problem):
    assert url_problem(url) == problem


@pytest.mark.parametrize(
    "url", ["https://[::1", "https://[nonsense]/", "https://example.com:99999/", "https://a:b/"]
)
def test_a_url_that_can_not_be_parsed_is_refused_without_an_exception(url):
    problem = url_problem(url)

    assert problem is not None
    assert problem.startswith("a webhook's URL must be well formed: ")


def test_a_problem_never_shows_the_path_because_it_may_be_a_secret():
    problem = url_problem("https://localhost/services/T0-secret")

    assert problem == "a webhook must be on the public Internet, `localhost` is not"


def test_the_host_comes_without_brackets_port_case_and_dot():
    hosts = [host_of(url) for url in ("https://[::1]:8/x", "https://A.b.:8/", "https:")]

    assert hosts == ["::1", "a.b", ""]


@pytest.mark.parametrize("address", ["10.1.2.3", "::1", "fe80::1%eth0", "no address", ""])
def test_what_is_not_a_public_address_is_private(address):
    assert private(address)
