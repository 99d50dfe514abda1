"""What a page of HTML may run: how its policy names a script or a style that stands in it."""

import hashlib
from base64 import b64encode


def hashed(words: str) -> str:
    """Returns how a policy names an inline script or style (Content Security Policy, level 3)."""
    return f"'sha256-{b64encode(hashlib.sha256(words.encode()).digest()).decode()}'"
