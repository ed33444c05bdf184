"""What ``epuredgm data verify`` and ``data inspect`` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from epuredgm.cli.words import size

MOMENTS = ("mean", "std", "min", "max")


def account(result: Mapping[str, Any]) -> str:
    """The answer of ``data verify``."""
    splits = result["splits"]
    head = f"{result['name']}: {splits['train']} train and {splits['test']} test designs; every hash is right"
    return "\n".join([head, result["entry"], *_account(result["account"])])


def description(about: Mapping[str, Any]) -> str:
    """The answer of ``data inspect``."""
    splits, repeated = about["splits"], about["duplicates"]
    lines = [
        f"{about['name']}: {about['size'][0]} x {about['size'][1]} pixels, {splits['train']} train and "
        f"{splits['test']} test designs",
        f"fingerprint {about['fingerprint']}",
        "",
        f"{'area in pixels':<20}{'mean':>10}{'std':>10}{'min':>8}{'max':>8}{'empty':>8}{'one piece':>12}",
    ]
    for name, area in about["areas"].items():
        whole = f"{about['connected'][name]:.2%}"
        numbers = f"{area['mean']:>10.2f}{area['std']:>10.2f}{area['min']:>8.0f}{area['max']:>8.0f}"
        lines.append(f"{name:<20}{numbers}{about['empty'][name]:>8}{whole:>12}")
    lines += ["", f"{'condition':<20}{'split':<8}" + "".join(f"{word:>12}" for word in MOMENTS)]
    for name, both in about["conditions"].items():
        lines += [f"{name:<20}{split:<8}{_values(value)}" for split, value in both.items()]
    lines += ["", f"designs with overlapping components: {about['overlap']:.2%}"]
    lines += [f"duplicates {kind}: {count}" for kind, count in repeated.items()]
    return "\n".join([*lines, *_account(about["account"])])


def _values(value: Mapping[str, float]) -> str:
    """Moments of numbers, else counts of categories."""
    moments = "".join(f"{value[key]:>12.4f}" for key in MOMENTS) if "mean" in value else ""
    counts = ", ".join(f"{name} {number}" for name, number in value.items() if name not in MOMENTS)
    return moments + (f"    {counts}" if counts else "")


def _account(content: Mapping[str, Any]) -> list[str]:
    """Tables of counts, one for each entry that has them by group; plain counts on one line each."""
    lines: list[str] = []
    for title, counts in content.items():
        if not isinstance(counts, dict):
            lines.append(f"{title}: {counts}")
        elif title == "bytes":
            lines.append("sizes: " + ", ".join(f"{name} {size(count)}" for name, count in counts.items()))
        elif counts and all(isinstance(each, dict) for each in counts.values()):
            lines += ["", title]
            lines += [f"  {name:<44}{_counts(each)}" for name, each in counts.items()]
        else:
            lines.append(f"{title}: {_counts(counts) or 'none'}")
    return ["", *lines] if lines else []


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())
