"""An agent that floods its output: `flood.py MEGABYTES KIND`, see `KINDS`."""

import os
import sys

KINDS = {
    "lines": b"a line like any other\n",
    "one line": b"no end of it ",
    "no text": bytes(range(128, 256)) + b"\x00\xff\xfe",
    "escapes": b"\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\x1b]52;c;aGk=\x07\r\n",
}

block = KINDS[sys.argv[2]]
block *= max(1, (1 << 20) // len(block))
left = int(sys.argv[1]) << 20
while left > 0:
    left -= os.write(1, block[:left])
