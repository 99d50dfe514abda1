"""Tells people and programs of a run: webhooks, a command, services such as chats and desktops.

Knows nothing of runs: it gets events and words. Nobody who is told can hold a run up.
"""

from parallel_orchestra.notify.desktop import DESKTOP, desktop
from parallel_orchestra.notify.herald import Herald
from parallel_orchestra.notify.hook import runner
from parallel_orchestra.notify.services import Note, addresses_of, messenger
from parallel_orchestra.notify.webhook import Message, Occasion, tell

__all__ = [
    "DESKTOP",
    "Herald",
    "Message",
    "Note",
    "Occasion",
    "addresses_of",
    "desktop",
    "messenger",
    "runner",
    "tell",
]
