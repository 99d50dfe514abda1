"""Which values of an environment are secrets, and how they are found again."""

import base64
import json
import urllib.parse

import pytest

from parallel_orchestra.agents.secrets import hidden, secret_values, secrets_of

VALUE = 'p/w+"quoted" \u00e4 and long enough'


@pytest.mark.parametrize(
    "name",
    [
        "API_KEY",
        "GITHUB_TOKEN",
        "aws_secret_access_key",
        "DB_PASSWORD",
        "MY_CREDENTIALS",
        "SSH_PASSPHRASE",
        "MYSQL_PW",
        "GH_PAT",
        "NPM_AUTH",
        "PUBLIC_KEY_PASSWORD",
        "KEYBOARD_API_KEY",
    ],
)
def test_a_value_is_a_secret_by_its_name(name):
    assert list(secret_values([{name: "12345678"}])) == ["12345678"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "1234567"),
        ("HOME", "/home/somebody"),
        ("KEYBOARD", "us-international"),
        ("XKB_KEYMAP", "us-international"),
        ("MONKEY", "chimpanzee"),
        ("TOKENIZERS_PARALLELISM", "disabled"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_12345678"),
        ("SSH_KEY_PATH", "/home/me/.ssh/id_rsa"),
        ("CREDENTIALS_DIRECTORY", "/run/credentials/unit"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/my key.json"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("PATH", "/usr/bin:/bin"),
        ("COMPASS", "north-north-west"),
    ],
)
def test_what_only_sounds_like_a_secret_is_none(name, value):
    assert list(secret_values([{name: value}])) == []


def test_a_password_in_a_url_is_a_secret_whatever_the_variable_is_called():
    environ = {"DATABASE": "postgres://me:correct-horse@db:5432/shop", "SITE": "https://a.b:80/@c"}

    assert list(secret_values([environ])) == ["correct-horse"]


def test_a_secret_that_looks_a_bit_like_a_path_is_one():
    assert list(secret_values([{"AWS_SECRET": "/abcdefgh/ijklmnop+qrs="}])) != []


def test_the_longest_secret_comes_first_and_none_twice():
    found = secrets_of({"A_KEY": "12345678", "B_KEY": "12345678 and more"}, {"C_KEY": "12345678"})

    assert [len(one) for one in found] == sorted((len(one) for one in found), reverse=True)
    assert len(set(found)) == len(found)
    assert {"12345678 and more", "12345678"} < set(found)


@pytest.mark.parametrize(
    "spelled",
    [
        VALUE,
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        urllib.parse.quote(VALUE, safe=""),
        *(
            base64.b64encode(before + VALUE.encode() + after).decode().rstrip("=")
            for before in (b"", b"u", b"me", b"me:")
            for after in (b"", b"!", b"!!")
        ),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_all_its_spellings(spelled):
    shown = hidden(f"<{spelled}>", secrets_of({"A_KEY": VALUE}))

    assert "[masked]" in shown
    # of base64, what stands beside the secret may stay
    assert len(shown) <= len("<[masked]>") + 7


def test_a_secret_of_several_lines_is_found_line_by_line():
    lines = ["-----BEGIN X-----", "first-line-of-the-secret", "second-line-of-the-secret", "short"]

    shown = hidden("1: " + "\n2: ".join(lines), secrets_of({"A_KEY": "\n".join(lines)}))

    assert shown == "1: -----BEGIN X-----\n2: [masked]\n2: [masked]\n2: short"


def test_hiding_takes_any_text():
    text = "\ud800 \udcff \0 sk-ant-abcdefghijkl"

    assert hidden(text, ("\udcff-secret",)) == "\ud800 \udcff \0 [masked]"
