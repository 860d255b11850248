"""The performer's screen, in a process of its own; of this project it imports live.ipc.messages alone."""

from live.dashboard.app import Dashboard
from live.dashboard.inbox import Inbox

__all__ = ["Dashboard", "Inbox"]
