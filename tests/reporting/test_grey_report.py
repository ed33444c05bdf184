"""Reports on grey pictures: privacy first, all labelled, nothing real of private data, nothing breaks."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from epuredgm.reporting.grey import conditions, document, looks, privacy, quality, shown
from epuredgm.reporting.grey.part import blocks_of
from epuredgm.reporting.page import render
from epuredgm.reporting.pdf import document as main_document
from epuredgm.reporting.sheets import pages
from epuredgm.reporting.study import Study
from reporting import grey_study, study_makers
from reporting.drawn_text import outside, words

PLANTED = 51234  # an intensity that no other picture has all over


def embedded(page: str) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Every picture that the page holds, as RGB."""
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in found]


def planted(study: Study) -> Study:
    """The study with one real picture, that of PLANTED, wherever a writer could take one from."""
    real = np.full((7, 1, *study.spec.size), PLANTED, dtype=np.uint16)
    families = tuple(
        replace(
            family,
            galleries=tuple(
                replace(
                    each,
                    nearest=real,
                    nearest_ids=("real",) * 7,
                    distances=np.zeros(7),
                    truth=None if each.truth is None else real,
                )
                for each in family.galleries
            ),
            worst=None if family.worst is None else replace(family.worst, truth=real[:3], samples=real[:3]),
        )
        for family in study.families
    )
    asked = np.zeros((7, len(study.spec.conditions)))
    return replace(study, real=real, real_conditions=asked, families=families, alone=families)


def shows_planted(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> bool:
    level = round(PLANTED * 255 / 65535)
    return bool((picture[..., :3] == level).mean() > 0.7)  # the paper between them counts too


def sheets(study: Study, place: int = 1) -> list[Figure]:
    family = study.alone[place]
    return list(pages.pages(list(document._blocks(study, family, "title")), "title", {}))


def images_of(figure: Figure) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


@pytest.fixture(scope="module")
def study() -> Study:
    return grey_study.study()


@pytest.fixture(scope="module")
def said(study: Study) -> list[str]:
    return ["\n".join(words(sheet)) for sheet in sheets(study)]


# the page -------------------------------------------------------------------------------------------------


def test_only_grey_data_have_the_chapter(study: Study) -> None:
    assert 'id="grey"' in render(study)
    assert 'id="grey"' not in render(study_makers.study())


def test_the_chapter_says_first_who_failed_and_why(study: Study) -> None:
    page = render(study)
    chapter = page[page.index('id="grey"') :]
    verdict = chapter.index("3 passed every privacy test, 1 failed")
    assert verdict < chapter.index("3 pictures are copies") < chapter.index("<h5>")
    assert all(each in chapter for each in privacy.UNSEEN)
    assert "alert failed" in chapter


def test_every_generated_picture_is_labelled_with_its_conditions(study: Study) -> None:
    page = render(study)
    count = sum(len(each.samples) for family in study.families for each in family.galleries)
    assert page.count('<b aria-hidden="true">SYNTHETIC</b>') == count
    assert "view MLO, laterality R, age 53 years, density D" in page
    texts = [
        Image.open(io.BytesIO(base64.b64decode(each))).info
        for each in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    ]
    assert sum(each.get("Synthetic", "").startswith("SYNTHETIC") for each in texts) == count
    assert {each["Mode"] for each in texts if "Synthetic" in each} >= {"conditional", "unconditional"}


def test_pictures_of_the_right_side_are_mirrored(study: Study) -> None:
    stored = study.families[0].galleries[1]
    seen = shown.turned(stored.samples, stored.asked, study)
    right = stored.asked[:, 1] == 1
    assert right.any() and not right.all()
    for k, mirrored in enumerate(right):
        picture = np.rint(stored.samples[k, 0] * (255 / 65535)).astype(np.uint8)
        assert (seen[k, ..., 0] == (picture[:, ::-1] if mirrored else picture)).all()


@pytest.mark.parametrize("private", [False, True])
def test_real_pictures_of_private_data_are_nowhere(private: bool) -> None:
    study = planted(grey_study.study(private))
    page = any(map(shows_planted, embedded(render(study))))
    paper = any(shows_planted(image) for sheet in sheets(study) for image in images_of(sheet))
    assert page is paper is not private
    assert ("the data set is private" in render(study)) is private


def test_the_same_study_gives_the_same_bytes(study: Study) -> None:
    assert render(study) == render(grey_study.study())
    first = document.evaluation_report(study, study.alone[0])
    assert first == document.evaluation_report(study, study.alone[0])
    assert first.startswith(b"%PDF-") and b"CreationDate" not in first


def test_the_report_of_all_families_is_printed_too(study: Study) -> None:
    assert main_document(study).startswith(b"%PDF-")


# the document of one run ----------------------------------------------------------------------------------


def test_every_part_starts_a_page_in_order(said: list[str]) -> None:
    heads = (
        "Data",
        "Learning curves",
        "Reconstruction",
        "Distance from real pictures",
        "Condition fidelity",
        "Diversity",
        "Privacy",
        "Spectra and histograms",
        "Galleries: SYNTHETIC pictures",
        "Limits",
    )
    places = [next(k for k, page in enumerate(said) if k and head in page.split("\n")) for head in heads[:6]]
    assert places == sorted(set(places)) and places[0] == 1  # the cover comes before
    last = [max(k for k, page in enumerate(said) if head in page.split("\n")) for head in heads]
    assert last == sorted(set(last))


def test_the_cover_tells_checkpoint_settings_and_splits(said: list[str]) -> None:
    cover = said[0].replace(" ", "")
    for letter in "eacbf":
        assert letter * 64 in cover.replace("\n", "")
    assert "best_model.safetensors" in cover and "failed" in cover


def test_what_was_measured_is_on_paper(said: list[str]) -> None:
    told = "\n".join(said)
    for part in ("PSNR (dB)", "gain over the mean picture", "54.2", "FD of the mean picture with noise"):
        assert part in told
    for part in ("fewer than 50 pictures", "reads 0.51 of real pictures", "density order", "Worst cases"):
        assert part in told
    assert told.count("SYNTHETIC") > 5


def test_no_words_leave_the_paper(study: Study) -> None:
    assert [outside(sheet) for sheet in sheets(study)] == [[]] * len(sheets(study))


# what is missing ------------------------------------------------------------------------------------------


def bare(modes: dict[str, Any]) -> Study:
    made = grey_study.study()
    run = replace(made.families[0].runs[0], result={"modes": modes, "profile": "quick"}, phases=())
    family = replace(made.families[0], runs=(run,), galleries=(), worst=None)
    other = made.families[1]
    return replace(
        made, families=(family, other), alone=(family,), statistics=(), split_hashes={}, intensities=()
    )


@pytest.mark.parametrize(
    "modes",
    [
        {},
        {"unconditional": {"counts": {"drawn": 3}}},
        {"unconditional": {"counts": {}, "privacy": {"reason": "too few pictures"}, "spectrum": None}},
        {"conditional": {"counts": {}, "condition_fidelity": {"view": None}, "strata": {"a": None}}},
        {"reconstruction": {"counts": {}, "reconstruction": {"reason": "no picture"}, "latent": {}}},
        {"inpainting": {"breast": {"counts": {}, "fd_domain": {"distance": {"value": None}}}}},
    ],
)
def test_blocks_that_are_missing_are_told_and_break_nothing(modes: dict[str, Any]) -> None:
    study = bare(modes)
    assert "not checked" in render(study)
    told = "\n".join("\n".join(words(sheet)) for sheet in sheets(study, 0))
    assert "not measured" in told or "no samples were evaluated" in told or "has no reconstructions" in told
    assert "No curves were recorded." in told and "There are no pictures" in told


def test_who_was_not_checked_has_not_passed() -> None:
    (verdict,) = privacy.verdicts_of("one", 0, {"modes": {"unconditional": {"counts": {}}}})
    assert verdict.passed is None and verdict.tone == "bad"
    (verdict,) = privacy.verdicts_of("one", 0, {"modes": {}})
    assert verdict.passed is None
    block = {"counts": {}, "privacy": {"passed": None, "reason": "too few held-out pictures"}}
    (verdict,) = privacy.verdicts_of("one", 0, {"modes": {"conditional": block}})
    assert verdict.word == "not checked" and "too few held-out" in verdict.reasons[0]


def test_too_little_to_decide_is_not_a_failure_and_not_red() -> None:
    few = {
        "passed": None,
        "verdict": "not decided",
        "reasons": ["too few: 30 generated pictures, 50 are needed"],
    }
    before = {"passed": False, "counts": {"generated": 30}, "limits": {"fewest": [50, 100, 100]}}
    copies = {"passed": False, "verdict": "failed", "reasons": ["1 is a copy"]}
    found = {}
    for name, content in (("few", few), ("before", before), ("copies", copies)):
        (verdict,) = privacy.verdicts_of(
            "one", 0, {"modes": {"conditional": {"counts": {}, "privacy": content}}}
        )
        found[name] = (verdict.word, verdict.tone, verdict.passed)
    undecided = ("not decided", "warn", None)
    assert found == {"few": undecided, "before": undecided, "copies": ("failed", "bad", False)}
    study = bare({"conditional": {"counts": {}, "privacy": few}})
    page = render(replace(study, families=study.families[:1]))
    assert "0 failed, 1 are not decided" in page and "50 are needed" in page
    assert 'class="alert">Of 1 sets' in page and 'class="words warn"' in page
    told = " ".join(each for sheet in sheets(study, 0) for each in words(sheet))
    assert "not decided" in told and "failed" not in told


def test_reasons_of_missing_figures_are_said() -> None:
    result = {"modes": {"unconditional": {"counts": {}, "fd_domain": {"reason": "under 50 pictures"}}}}
    assert "under 50 pictures" in " ".join(quality.distances(result).words)


def test_a_confusion_keeps_rows_for_asked_and_columns_for_read(study: Study) -> None:
    part = conditions.fidelity(study.families[0].runs[0].result, study.spec)
    view = next(table for table in part.tables if table.title.startswith("view"))
    assert [head.label for head in view.heads] == ["asked", "CC", "MLO", "agree"]
    assert [cell.text for cell in view.rows[0]] == ["CC", "62", "5", "93 %"]
    assert sum(table.title.startswith("density") for table in part.tables) == 1


def test_curves_that_do_not_fit_their_axis_are_left_out(study: Study) -> None:
    result = grey_study.result()
    for _, block in blocks_of(result):
        if "spectrum" in block:
            block["spectrum"]["curves"]["real"] = []
    family = study.families[0]
    family = replace(family, runs=(replace(family.runs[0], result=result),))
    drawn = looks.looks(study, family)
    assert "Power spectrum" not in " ".join(chart.title for chart in drawn.charts)
    assert any("Spectra" in line for line in drawn.words)


def test_a_stratum_is_a_line_with_its_distance_over_the_floor_and_its_count() -> None:
    table = quality.strata_table("strata", grey_study.generated()["strata"])
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["view CC", "3.9", "7.8", "70", ""],
        ["view MLO", "–", "–", "31", "fewer than 50 pictures"],
    ]
