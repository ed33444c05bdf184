"""A set of designs whose descriptors are computed once and shared by metrics, floors and bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.designs import Stored
from epuredgm.evaluation import geometry

Images = Stored

CHUNK_BYTES = 1 << 20
"""Images described at a time: temporaries that stay in the processor's cache are three times faster."""


class Population:
    """Designs with their asked-for or true conditions, and a memory of what was computed from them.

    Args:
        images: (N, C, H, W); uint8 masks in {0, 1}, or grey intensities up to the largest of their type.
        values: ``binary`` or ``grey``, as in the data set's spec.
        conditions: float64 (N, K), NaN where there is none.
        condition_names: names of the K columns.
    """

    def __init__(
        self,
        images: Images,
        values: str,
        conditions: NDArray[np.float64],
        condition_names: tuple[str, ...],
    ) -> None:
        self.values = values
        self.conditions = conditions
        self.condition_names = condition_names
        self._images = images
        self._features: dict[str, NDArray[Any]] = {}  # of all images, also of those that rows() left out
        self._index: NDArray[np.int64] | None = None
        self._whole = self

    def __len__(self) -> int:
        return len(self.conditions)

    @property
    def levels(self) -> int:
        """The stored value that stands for 1."""
        return 1 if self.values == "binary" else int(np.iinfo(self._images.dtype).max)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self._images.shape[2], self._images.shape[3]

    @property
    def images(self) -> Images:
        """(N, C, H, W) as stored."""
        return self._images if self._index is None else self._images[self._index]

    @property
    def whole(self) -> Population:
        """The set that :meth:`rows` chose from; the set itself if nothing was chosen."""
        return self._whole

    def rows(self, index: NDArray[np.int64]) -> Population:
        """The designs at ``index``, in that order; descriptors are shared, so none is computed twice."""
        chosen = Population(self._images, self.values, self.conditions[index], self.condition_names)
        chosen._features, chosen._whole = self._features, self._whole
        chosen._index = index if self._index is None else self._index[index]
        return chosen

    def feature(self, name: str, compute: Callable[[Images], NDArray[Any]]) -> NDArray[Any]:
        """``compute(images)``, (N, ...), one row per design, computed once per set, remembered as ``name``.

        ``compute`` sees the images in chunks, so each row may depend on its own design only.
        """
        if name not in self._features:
            step = max(1, CHUNK_BYTES // max(1, self._images[:1].nbytes))
            chunks = range(0, max(1, len(self._images)), step)
            self._features[name] = np.concatenate([compute(self._images[i : i + step]) for i in chunks])
        return self._own(name)

    def derived(self, name: str, compute: Callable[[Population], NDArray[Any]]) -> NDArray[Any]:
        """(N, ...) what ``compute`` makes of the whole set's descriptors, once, remembered as ``name``."""
        if name not in self._features:
            self._features[name] = compute(self._whole)
        return self._own(name)

    def _own(self, name: str) -> NDArray[Any]:
        whole = self._features[name]
        return whole if self._index is None else whole[self._index]

    def remember(self, name: str, features: NDArray[Any]) -> None:
        """Take ``features``, (N, ...) of all designs of the set, for what ``feature(name)`` would compute."""
        self._features[name] = features

    def condition(self, name: str) -> NDArray[np.float64]:
        """(N,) the condition called ``name``."""
        return self.conditions[:, self.condition_names.index(name)]

    def lit(self, images: Images) -> geometry.Masks:
        """``images`` as masks: binary ones as they are, grey ones where the intensity is above one half."""
        return images > (self.levels // 2)

    # descriptors ------------------------------------------------------------------------------------

    @property
    def _profiles(self) -> NDArray[np.float32]:
        return self.feature("profiles", lambda images: geometry.profiles(self.lit(images)))

    @property
    def _height(self) -> int:
        return self.size[0]

    def areas(self) -> geometry.Floats:
        """(N, C) lit pixels of each component."""
        return self.derived("areas", lambda whole: geometry.areas(whole._profiles, whole._height))

    def centres(self) -> geometry.Floats:
        """(N, C, 2) centre of mass (row, column) of each component, NaN where it is empty."""
        return self.derived("centres", lambda whole: geometry.centres(whole._profiles, whole._height))

    def boxes(self) -> geometry.Floats:
        """(N, C, 4) first and last row, first and last column of each component, NaN where it is empty."""
        return self.derived("boxes", lambda whole: geometry.boxes(whole._profiles, whole._height))

    def thickness(self) -> geometry.Floats:
        """(N, C, 4) mean and largest count of pixels in the lit rows, then in the lit columns; 0 if empty."""
        return self.derived("thickness", lambda whole: geometry.thickness(whole._profiles, whole._height))

    def shared(self) -> geometry.Floats:
        """(N, P) pixels that two components share."""
        return self.feature("shared", lambda images: geometry.shared_pixels(self.lit(images)))

    def overlaps(self) -> geometry.Floats:
        """(N, P, 2) IoU and Dice of each pair of components."""
        return geometry.overlaps(self.shared(), self.areas())

    def pieces(self, connectivity: int) -> NDArray[np.int64]:
        """(N, C + 1) connected components of each component and, last, of their union."""
        counts = self.feature("pieces", self._count_pieces)
        return counts[..., 0 if connectivity == 4 else 1]

    def contacts(self) -> geometry.Masks:
        """(N, P, 2) whether two components touch, at connectivity 4 and at 8."""
        return self.feature("contacts", lambda images: geometry.contacts(self.lit(images)))

    def contact_lengths(self) -> geometry.Floats:
        """(N, P) pixel sides at which two components meet."""
        return self.feature("contact lengths", lambda images: geometry.contact_lengths(self.lit(images)))

    def _count_pieces(self, images: Images) -> NDArray[np.int64]:
        masks = geometry.with_union(self.lit(images))
        at_four = geometry.pieces_at_four(masks)
        return np.stack([at_four, geometry.pieces_from(masks, at_four)], axis=-1)
