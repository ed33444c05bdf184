"""A report's page holds all of a study, nothing unescaped, nothing from elsewhere, and is always the same."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from epuredgm.reporting.page import FEW_AROUND, render
from reporting.study_makers import study, summary

HOSTILE = "'\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;</style>"


class Outline(HTMLParser):
    """Elements with their attributes, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self.text += f" {' '.join(data.split())}"

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.elements)


@pytest.fixture(scope="module")
def page() -> str:
    return render(study())


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_words_of_users_files_and_errors_stay_words(outline: Outline) -> None:
    attacked = Outline(render(study(models=(f"one{HOSTILE}", "two", "three"), words=HOSTILE)))
    assert attacked.count("script") == outline.count("script") == 1
    assert attacked.count("style") == outline.count("style")
    assert attacked.count("img") == outline.count("img") > 20
    assert not any(name.startswith("on") for _, about in attacked.elements for name in about)
    assert attacked.text.count("<script>alert(1)</script>") > 10
    assert "{{ 7 * 7 }}" in attacked.text and "49" not in attacked.text


def test_the_same_study_gives_the_same_bytes(page: str) -> None:
    assert render(study()) == page


def test_nothing_comes_from_elsewhere(outline: Outline) -> None:
    for tag, about in outline.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            address = about.get(name)
            assert address is None or address.startswith(("data:", "#")), (tag, address)
    policy = [about["content"] for _, about in outline.elements if about.get("http-equiv")]
    assert policy == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    ]


def test_headings_go_down_one_step_at_a_time_and_ids_are_unique(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.elements if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    ids = [about["id"] for _, about in outline.elements if "id" in about]
    assert len(ids) == len(set(ids))
    links = {about["href"] for tag, about in outline.elements if tag == "a"}
    assert {link.removeprefix("#") for link in links if link} <= set(ids)


def test_every_picture_says_what_it_is(outline: Outline) -> None:
    assert all(about["alt"] for tag, about in outline.elements if tag == "img")
    charts = [about for tag, about in outline.elements if tag == "svg"]
    # rank heat, cost, extrapolation; fd_domain and valid; per family: adherence, training
    assert len(charts) == 3 + 2 + 3 * 2
    assert all(about["role"] == "img" for about in charts)


def test_what_is_missing_is_said(outline: Outline) -> None:
    told = Outline(render(study(words="a thing went wrong"))).text
    assert told.count("a thing went wrong") > outline.text.count("a thing went wrong") == 0
    assert "every family" in told  # none has the figure `empty`, for one reason
    assert "1 warning and 1 job that did not end well" in told


def test_a_study_without_designs_or_troubles_has_a_page_too() -> None:
    made = study()
    families = tuple(
        replace(
            family,
            galleries=(),
            adherence=(),
            notes=(),
            runs=tuple(replace(run, phases=(), learned={}) for run in family.runs),
        )
        for family in made.families
    )
    told = summary(made.models, "", "")
    for own in told["tasks"]["conditional"].values():
        del own["empty"]
    bare = replace(made, families=families, real=made.real[:0], troubles=(), summary={**told, "warnings": []})
    outline = Outline(render(bare))
    assert outline.count("img") == 0
    assert "Nothing: every job is done and every figure is there." in outline.text
    assert "There are no curves." in outline.text


def test_one_family_alone_has_a_page() -> None:
    assert "no other family to compare with" in Outline(render(study(models=("one",)))).text


def test_completions_and_adherence_are_shown_in_parts() -> None:
    made = study()
    twice = [
        replace(f, adherence=(*f.adherence, replace(f.adherence[0], condition="other")))
        for f in made.families
    ]
    outline = Outline(render(replace(made, families=tuple(twice))))
    groups = [about["data-tabs"] for _, about in outline.elements if "data-tabs" in about]
    assert "Conditions, conditional" in groups and "Families, given a word" in groups
    given = [about["alt"] for _, about in outline.elements if about.get("alt", "").endswith(": given")]
    shown = [family.galleries[1] for family in made.families]
    assert len(given) == sum(len(each.samples) + min(len(each.samples), FEW_AROUND) for each in shown)
