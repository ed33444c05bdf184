"""Headline figures in result blocks: which there are, and where. A ``*`` in a path stands for any one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import is_scalar

Block = Mapping[str, Any]


def headlines_of(block: Block, metrics: Sequence[Metric]) -> Iterator[tuple[str, Metric, Headline, str]]:
    """(name, metric, headline, path) of every headline figure that a block has, stars filled in."""
    for metric in metrics:
        content = block.get(metric.key)
        for head in metric.headlines if content is not None else ():
            for star in _stars(content, head.path):
                path = head.path.replace("*", star)
                if is_scalar(at(content, path)):
                    yield head.name.replace("*", star), metric, head, path


def at(content: Any, path: str) -> Any:
    """What lies at a dotted path; None if nothing does."""
    for key in path.split(".") if path else ():
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


def _stars(content: Any, path: str) -> Iterator[str]:
    """What the star of a path stands for; one empty string without a star."""
    if "*" not in path:
        yield ""
        return
    before, _, _ = path.partition(".*")
    many = at(content, before)
    yield from many if isinstance(many, Mapping) else ()
