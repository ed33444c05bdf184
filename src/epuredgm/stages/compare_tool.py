"""The heavy half of ``epuredgm compare``: reads results and replicates, and holds them against each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.files import read_json
from epuredgm.core.monitor import Monitor
from epuredgm.data.entries import read_arrays
from epuredgm.evaluation import comparison
from epuredgm.evaluation.comparison import Side
from epuredgm.stages.tool import serve


def compare(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Compare the ``sides`` of the request.

    A side has ``name``, ``results`` (a list of ``{"result": path, "resamples": path or null}``) and
    ``summary``, the path of a ``summary.json`` whose results are not at hand, or null.
    """
    return comparison.compare([_side(each) for each in request["sides"]])


def _side(content: Mapping[str, Any]) -> Side:
    results, resamples = [], {}
    for place in content["results"]:
        result = read_json(Path(place["result"]))
        results.append(result)
        if place["resamples"]:
            resamples[result["model"], result["seed"]] = read_arrays(Path(place["resamples"]))
    summary = read_json(Path(content["summary"])) if content["summary"] else None
    return Side(content["name"], tuple(results), resamples, summary)


if __name__ == "__main__":
    sys.exit(serve({"compare": compare}))
