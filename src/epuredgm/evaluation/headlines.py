"""Headline figures in result blocks: which there are, and where. A ``*`` in a path stands for any one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import is_scalar

Block = Mapping[str, Any]


class Found(NamedTuple):
    """A headline figure that a block has: its name and path have their stars filled in."""

    name: str
    metric: Metric
    headline: Headline
    path: str

    @property
    def title(self) -> str:
        """For people; no two figures of a metric share one."""
        if self.headline.title:
            return self.headline.title.replace("*", _words(self._star))
        alone = self.metric.headlines == (self.headline,) and self.name == self.headline.name
        return self.metric.title if alone else _words(self.name)

    @property
    def beside(self) -> str:
        """The name of the headline whose sign it tells; empty of any other figure."""
        return self.headline.beside.replace("*", self._star)

    @property
    def _star(self) -> str:
        before, _, after = self.headline.name.partition("*")
        return self.name.removeprefix(before).removesuffix(after)

    def signs(self, block: Block) -> tuple[str, str]:
        """What a value below and one above 0 is called, as far as the block says so."""
        beside = at(block.get(self.metric.key), self.path.rpartition(".")[0])
        told = beside if self.headline.beside and isinstance(beside, Mapping) else {}
        return str(told.get("below", "")), str(told.get("above", ""))

    def read(self, block: Block) -> Mapping[str, Any] | None:
        """The figure in a block; None if that has none."""
        figure = at(block.get(self.metric.key), self.path)
        return figure if is_scalar(figure) else None


def headlines_of(block: Block, metrics: Sequence[Metric]) -> Iterator[Found]:
    """Every headline figure that a block has, in the order of the metrics."""
    for metric in metrics:
        content = block.get(metric.key)
        for head in metric.headlines if content is not None else ():
            for star in _stars(content, head.path):
                path = head.path.replace("*", star)
                if is_scalar(at(content, path)):
                    yield Found(head.name.replace("*", star), metric, head, path)


def headlines_of_all(blocks: Sequence[Block], metrics: Sequence[Metric]) -> dict[str, Found]:
    """Every headline figure that some block has, by name: in the order of the metrics and their headlines,
    then of the stars, so that the order of the blocks changes nothing.
    """
    rank = {(metric.key, head.name): i for i, (metric, head) in enumerate(_declared(metrics))}
    found = {each.name: each for block in blocks for each in headlines_of(block, metrics)}
    return dict(sorted(found.items(), key=lambda e: (rank[e[1].metric.key, e[1].headline.name], e[0])))


def at(content: Any, path: str) -> Any:
    """What lies at a dotted path; None if nothing does."""
    for key in path.split(".") if path else ():
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


def _words(key: str) -> str:
    return key.replace("_", " ")


def _declared(metrics: Sequence[Metric]) -> Iterator[tuple[Metric, Headline]]:
    for metric in metrics:
        yield from ((metric, head) for head in metric.headlines)


def _stars(content: Any, path: str) -> Iterator[str]:
    """What the star of a path stands for; one empty string without a star."""
    if "*" not in path:
        yield ""
        return
    before = path.partition("*")[0].removesuffix(".")
    many = at(content, before)
    yield from many if isinstance(many, Mapping) else ()
