"""How long work tells where it is and hears that it should stop; the default is silent."""

from __future__ import annotations


class Monitor:
    """What a stage calls while it works. This one says nothing and never stops; workers pass a live one."""

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        """Report ``done`` of ``total`` units of ``what``, with figures such as ``loss=1.2``.

        Cheap enough to be called at every batch: the live monitor forwards a few reports a second at most.
        """

    def note(self, message: str) -> None:
        """Say one line that a user should see."""

    def stopping(self) -> bool:
        """Whether the user, or the cluster, has asked for an orderly stop: poll it in every loop."""
        return False


SILENT = Monitor()
