"""Patients under other names: keyed hashes, whose secret lies outside the project and is never shown.

Whoever has the hashes and not the secret can neither find a patient in them nor try the few million possible
numbers, which a plain hash would allow.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from epuredgm.core.errors import BadRequest

VARIABLE = "EPUREDGM_PATIENT_SECRET"
FILE = "patient-secret"
LENGTH = 32  # bytes
SHOWN = 32  # hexadecimal digits of a patient's key: 128 bits


@dataclass(frozen=True)
class Secret:
    """The key of the keyed hashes; its value is in no text made of it."""

    value: bytes = field(repr=False)

    def patient(self, dataset: str, patient: str) -> str:
        """The name of a patient in all that is written: 32 hexadecimal digits; differs between data sets."""
        return self._hash("patient", dataset, patient)[:SHOWN]

    def picture(self, dataset: str, place: str) -> str:
        """The name of a picture in all that is written: 32 hexadecimal digits of where its file lies."""
        return self._hash("picture", dataset, place)[:SHOWN]

    def score(self, purpose: str, seed: int, key: str) -> float:
        """A number in [0, 1) that depends on the purpose, the seed and the key, and on nothing else."""
        return int(self._hash("score", purpose, str(seed), key)[:13], 16) / 16.0**13

    @property
    def mark(self) -> str:
        """Tells two secrets apart, and nothing else: kept with hashes, to see that they correspond."""
        return self._hash("mark")[:8]

    def _hash(self, *parts: str) -> str:
        text = b"".join(len(raw := part.encode()).to_bytes(8, "big") + raw for part in parts)
        return hmac.new(self.value, b"epuredgm/1" + text, hashlib.sha256).hexdigest()


def secret(
    environment: Mapping[str, str] = os.environ, folder: Path | None = None, workspace: Path | None = None
) -> Secret:
    """The user's secret: from the environment, else from a file of the user's, which is made on first use.

    Args:
        environment: may hold ``EPUREDGM_PATIENT_SECRET``, 64 hexadecimal digits.
        folder: of the file; by default the user's configuration folder.
        workspace: the secret must not lie in it, since workspaces are copied and shared.

    Raises:
        BadRequest: if the secret is malformed, readable by others, of another owner, or in the workspace, or
            cannot be made.
    """
    given = environment.get(VARIABLE)
    if given:
        return Secret(_from_text(given, f"the variable {VARIABLE}"))
    folder = config_folder(environment) if folder is None else folder
    if workspace is not None and folder.resolve().is_relative_to(workspace.resolve()):
        raise BadRequest(
            "the secret of the patients' names would lie in the workspace",
            f"Set {VARIABLE}, or use a workspace that is not above your configuration folder.",
        )
    path = folder / FILE
    if not os.path.lexists(path):
        try:
            _make(path)
        except OSError as error:
            raise BadRequest(
                f"the file {FILE} cannot be made in your configuration folder: {error.strerror}",
                f"Give yourself the right to write there, or set {VARIABLE} to 64 hexadecimal digits.",
            ) from error
    return Secret(_from_text(_read(path), f"the file {FILE} in your configuration folder"))


def config_folder(environment: Mapping[str, str]) -> Path:
    """The user's configuration folder of this tool."""
    if sys.platform == "win32" and "APPDATA" in environment:
        return Path(environment["APPDATA"]) / "epuredgm"
    given = environment.get("XDG_CONFIG_HOME", "")
    if given.startswith("/"):
        return Path(given) / "epuredgm"
    try:
        return Path.home() / ".config" / "epuredgm"
    except RuntimeError:
        raise BadRequest(
            "this user has no home folder to keep the secret in that patients' names are keyed with",
            f"Set HOME or XDG_CONFIG_HOME, or set {VARIABLE} to 64 hexadecimal digits.",
        ) from None


def _from_text(text: str, where: str) -> bytes:
    with suppress(ValueError):
        value = bytes.fromhex(text.strip())
        if len(value) == LENGTH:
            return value
    raise BadRequest(
        f"{where} is not a secret of {2 * LENGTH} hexadecimal digits",
        "Restore it from where you keep a copy; with a new one, patients get other names.",
    )


def _make(path: Path) -> None:
    """Write a new secret that nobody else can read; whoever was first to publish one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{FILE}.{secrets.token_hex(8)}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(LENGTH) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)  # unlike a rename, it never replaces another's
    finally:
        temporary.unlink()


def _read(path: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:  # also a link: whoever made it chooses the secret
        raise BadRequest(
            f"the file {FILE} in your configuration folder cannot be read, or is a link",
            f"Or set {VARIABLE}.",
        ) from error
    with os.fdopen(handle, encoding="ascii", errors="replace") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise BadRequest(f"{FILE} in your configuration folder is not a regular file", "Remove it.")
        if os.name == "posix" and (about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077):
            raise BadRequest(
                f"the file {FILE} in your configuration folder can be read by others, or is not yours",
                "Make it yours alone (chmod 600); if others may have read it, consider it known.",
            )
        return file.read(4096)
