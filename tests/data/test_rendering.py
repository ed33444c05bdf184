"""Pictures show what is in the arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from epuredgm.core.spec import Component, DataSpec
from epuredgm.data.rendering import colored, even_hues, silhouettes

SPEC = DataSpec(
    "two", 4, 3, (Component("a", "one", "#ff0000"), Component("b", "two", "#0000ff")), (), mirrored=True
)


def test_colours_are_the_components_and_the_right_half_mirrors_the_left() -> None:
    images = np.zeros((1, 2, 4, 3), np.uint8)
    images[0, 0, 0, 0] = 1
    images[0, 1, 1, 1] = 1
    picture = colored(images, SPEC)[0]
    assert picture.shape == (4, 6, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[1, 1].tolist() == [0, 0, 255]
    assert picture[3, 2].tolist() == [255, 255, 255]
    assert (picture == picture[:, ::-1]).all()


def test_an_overlap_looks_like_no_component() -> None:
    picture = colored(np.ones((1, 2, 4, 3), np.uint8), SPEC)[0, 0, 0].tolist()
    assert picture not in ([255, 0, 0], [0, 0, 255], [255, 255, 255])


def test_given_colours_replace_those_of_the_data_set() -> None:
    images = np.zeros((1, 2, 4, 3), np.uint8)
    images[0, 1, 2, 1] = 1
    picture = colored(images, SPEC, [(1, 2, 3), (4, 5, 6)])[0]
    assert picture[2, 1].tolist() == picture[2, 4].tolist() == [4, 5, 6]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_even_hues_differ_from_each_other_and_from_the_paper(count: int) -> None:
    assert len({*even_hues(count), (255, 255, 255)}) == count + 1


def test_a_silhouette_is_the_union_of_masks_and_the_brightest_of_greys() -> None:
    masks = np.array([[[[0, 1, 1, 0]], [[0, 0, 1, 1]]]], np.uint8)
    assert silhouettes(masks, SPEC).tolist() == [[[0, 255, 255, 255]]]
    greys = np.array([[[[0, 100, 7, 0]], [[0, 0, 9, 255]]]], np.uint8)
    grey = replace(SPEC, values="grey")
    assert silhouettes(greys, grey).tolist() == [[[0, 100, 9, 255]]]
    deep = greys.astype(np.uint16) * 257
    assert silhouettes(deep, replace(grey, bits=16)).tolist() == [[[0, 100, 9, 255]]]


def test_a_single_grey_component_is_shown_as_it_is() -> None:
    grey = DataSpec("one", 1, 3, SPEC.components[:1], (), values="grey", bits=16)
    stored = np.array([[[[0, 65535, 257 * 40]]]], np.uint16)
    assert colored(stored, grey).tolist() == [[[[0] * 3, [255] * 3, [40] * 3]]]
