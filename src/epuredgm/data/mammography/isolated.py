"""Decoding of compressed pixels in a process of its own: damaged ones bring decoders in C and Rust down.

One child lives as long as its parent and decodes one frame after the other; what it prints goes nowhere. If
it dies or hangs, the file is at fault and the next one gets a new child. Only sizes, names and bytes go to
and fro.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

PATIENCE = 120.0  # seconds for one frame; the slowest takes 3
START = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve()"


class Child:
    """The decoding process of this process, started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def decode(
        self, syntax: str, content: bytes, options: Mapping[str, Any]
    ) -> NDArray[np.unsignedinteger[Any]]:
        """The stored values (rows, columns) of encapsulated pixel data.

        Args:
            syntax: keyword of the transfer syntax.
            content: the value of Pixel Data.
            options: those of pydicom's decoders, JSON-ready.

        Raises:
            ValueError: if they cannot be decoded; the text is empty.
        """
        request = json.dumps({"syntax": syntax, "size": len(content), "options": dict(options)}).encode()
        with self._lock:
            process = self._running()
            timer = threading.Timer(PATIENCE, process.kill)
            timer.start()
            try:
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write(request + b"\n" + content)
                process.stdin.flush()
                answer = json.loads(process.stdout.readline() or b"null")
                body = process.stdout.read(answer["size"]) if answer else b""
            except (OSError, ValueError):  # a broken pipe: it died
                answer, body = None, b""
            finally:
                timer.cancel()
            if answer is None or len(body) != answer["size"]:
                self.close()
                raise ValueError
        if not answer["size"]:
            raise ValueError
        return np.frombuffer(body, answer["kind"]).reshape(answer["shape"])

    def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        """The child; a forked process does not use that of its parent."""
        if self._process is not None and (self._owner != os.getpid() or self._process.poll() is not None):
            self.close()
        if self._process is None:
            command = START.format(path=sys.path, module=__name__)
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a signal to our group must not look like a damaged frame
            )
        return self._process


CHILD = Child()
atexit.register(CHILD.close)


def serve() -> None:
    """What the child does: answer each request until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print, too
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        _answer(answers, request, requests.read(request["size"]))


def _answer(answers: IO[bytes], request: Mapping[str, Any], content: bytes) -> None:
    try:
        array = _decoded(request["syntax"], content, request["options"])
    except BaseException:  # what panics in Rust is no Exception
        answers.write(json.dumps({"size": 0}).encode() + b"\n")
    else:
        about = {"size": array.nbytes, "kind": array.dtype.str, "shape": array.shape}
        answers.write(json.dumps(about).encode() + b"\n" + array.tobytes())
    answers.flush()


def _decoded(syntax: str, content: bytes, options: Mapping[str, Any]) -> NDArray[Any]:
    from pydicom import uid
    from pydicom.pixels.decoders.base import get_decoder

    array, _ = get_decoder(getattr(uid, syntax)).as_array(content, raw=True, index=0, **options)
    return np.ascontiguousarray(array)
