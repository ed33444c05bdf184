"""What TensorBoard shows of a finished run beside its curves: final figures, and pictures of its samples."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from epuredgm.core.files import write_bytes

FILE = "events.out.tfevents.report"
"""Sorted after the files of a training, whose names go on with a number: TensorBoard reads files by name, and
what a resumed training takes back of earlier files must not take these with it."""


def write_events(
    folder: Path, scalars: Mapping[str, float], images: Mapping[str, bytes], step: int = 0
) -> Path:
    """Write ``<folder>/tb/events.out.tfevents.report``, in place of a former one.

    The events are dated at the end of the training, by the newest other event file, so that the same run
    gives the same bytes; at 0 if there is none.

    Args:
        folder: the run's folder.
        scalars: tag, such as ``final/conditional/rce``, to value.
        images: tag, such as ``samples/conditional``, to the bytes of a PNG.
        step: where on TensorBoard's step axis they stand.
    """
    folder = folder / "tb"
    others = [path for path in folder.glob("*tfevents*") if path.name != FILE]
    date = float(max((int(path.stat().st_mtime) for path in others), default=0))
    content = io.BytesIO()
    records = RecordWriter(content)
    records.write(Event(wall_time=date, file_version="brain.Event:2").SerializeToString())
    for value in _values(scalars, images):
        event = Event(wall_time=date, step=step, summary=Summary(value=[value]))
        records.write(event.SerializeToString())
    write_bytes(folder / FILE, content.getvalue())
    return folder / FILE


def _values(scalars: Mapping[str, float], images: Mapping[str, bytes]) -> Iterator[Summary.Value]:
    for tag, figure in scalars.items():
        yield Summary.Value(tag=tag, simple_value=figure)
    for tag, png in images.items():
        with Image.open(io.BytesIO(png)) as picture:
            width, height = picture.size
        image = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=png)
        yield Summary.Value(tag=tag, image=image)
