"""Seconds per epoch at 256 px: ours against a loader that reads, resizes and varies each file by itself.

Ours, after the first epoch: pictures decoded once, kept on the device as 16 bits, drawn and varied a batch
at once. The other: pydicom and albumentations (resize, flip, rotation, brightness) for every item of every
epoch, in a DataLoader. Both feed the same model. Timed are (a) the data path alone and (b) with a training
step.

Files are drawn at 0.8 mm and enlarged to about the size of real ones, 3000 x 2400. The ratio holds for what
is stated beside it: size of the files, syntax, this model, these cores. The larger the model, the nearer
(b) is to 1, because the step is the same on both sides. What ours pays once, before or in the first epoch,
stands in a line of its own.

    pip install -e '.[bench]'
    python benchmarks/training_throughput.py [--enlarge 9] [--patients 12] [--workers N] [--syntax NAME]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import albumentations
import cv2
import numpy as np
import pydicom
import torch
from decode_and_cache import DRAWN, enlarge
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from epuredgm.core.settings import AugmentationSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.mammography.breast import canonical
from epuredgm.data.mammography.parts import processors
from epuredgm.data.mammography.phantom_cohort import Size
from epuredgm.data.mammography.phantom_dicom import COMPRESSIONS
from epuredgm.data.mammography.phantom_set import make_phantom
from epuredgm.data.mammography.reading import examine
from epuredgm.data.resident import ResidentDesigns
from epuredgm.training.augmentation import Augmentation
from epuredgm.training.batches import ShuffledBatches

PIXELS, BATCH, EPOCHS = 256, 16, 3
SPEC = DataSpec(
    "phantom",
    PIXELS,
    PIXELS,
    (Component("breast", "breast", "#888888"),),
    (Condition("laterality", values=("L", "R")),),
    "grey",
    bits=16,
    side="laterality",
)
VARIED = AugmentationSettings(rotation=10.0, gain=0.2, flip=0.5)


class PlainFiles(Dataset[Tensor]):
    """One item: read the file, scale it, resize it, vary it."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._vary = albumentations.Compose(
            [
                albumentations.Resize(PIXELS, PIXELS),
                albumentations.HorizontalFlip(p=0.5),
                albumentations.Rotate(limit=10, p=1.0),
                albumentations.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0, p=1.0),
            ]
        )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Tensor:
        read = pydicom.dcmread(self._files[index])
        picture = read.pixel_array.astype(np.float32) / (2**read.BitsStored - 1)
        return torch.from_numpy(self._vary(image=picture)["image"])[None]


class Ours:
    """Batches of designs that stay on the device."""

    def __init__(self, files: list[Path], device: torch.device) -> None:
        stored = np.stack([_stored(path) for path in files])
        sides = np.eye(2, dtype=np.float32)[np.arange(len(files)) % 2]
        self._designs = ResidentDesigns.place(stored, sides, SPEC, device)
        self._vary = Augmentation(VARIED, SPEC)
        self._batches = ShuffledBatches(self._designs, BATCH, 0, channels_last=True)
        self._rng, self._step = torch.Generator(device).manual_seed(0), 0

    def __iter__(self) -> Iterable[Tensor]:  # type: ignore[override]
        for _ in range(len(self._designs) // BATCH):
            yield self._vary(self._batches.at(self._step), self._rng).images
            self._step += 1


def _stored(path: Path) -> np.ndarray:
    found = examine(path)
    mammogram = found.mammogram
    picture = canonical(mammogram.pixels, found.breast, mammogram.mm_per_pixel, (PIXELS, PIXELS))
    return np.rint(picture.pixels * SPEC.levels).astype(np.uint16)[None]


def small_model() -> nn.Module:
    """A strided convolutional autoencoder of 8, 16 and 32 channels."""
    down = [
        nn.Conv2d(1, 8, 4, 4),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.SiLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
    ]
    up = [nn.ConvTranspose2d(32, 16, 2, 2), nn.SiLU(), nn.ConvTranspose2d(16, 8, 2, 2), nn.SiLU()]
    return nn.Sequential(*down, nn.SiLU(), *up, nn.ConvTranspose2d(8, 1, 4, 4))


def trainer(device: torch.device) -> tuple[Callable[[Tensor], None], int]:
    """A training step of the small model, and how many weights it has."""
    torch.manual_seed(0)
    model = small_model().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(images: Tensor) -> None:
        optimizer.zero_grad()
        (model(images) - images).abs().mean().backward()
        optimizer.step()

    return step, sum(parameter.numel() for parameter in model.parameters())


def seconds(batches: Iterable[Tensor], step: Callable[[Tensor], None], device: torch.device) -> float:
    """Of an epoch: the median of those after the first."""
    taken = []
    for _ in range(EPOCHS + 1):
        start = time.perf_counter()
        for images in batches:
            step(images.to(device, memory_format=torch.channels_last))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--enlarge", type=int, default=9)
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--syntax", choices=sorted(COMPRESSIONS))
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not given.workers:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        make_phantom(Path(name), Size(given.patients, DRAWN, missing=0.0, repeats=0.0), seed=0)
        files = sorted(path for path in Path(name).rglob("*.dcm"))
        rng = np.random.default_rng(0)
        for path in files:
            enlarge(path, given.enlarge, given.syntax, rng)
        start = time.perf_counter()
        ours = Ours(files, device)
        once = time.perf_counter() - start
        # drop_last as the trainer does: both make the same number of steps
        plain = DataLoader(
            PlainFiles(files),
            BATCH,
            shuffle=True,
            num_workers=given.workers,
            persistent_workers=given.workers > 0,
            drop_last=True,
        )
        step, weights = trainer(device)
        print(
            f"{len(files)} files of {DRAWN.height * given.enlarge} x {DRAWN.width * given.enlarge}, "
            f"{given.syntax or 'uncompressed'}; {PIXELS} px, batches of {BATCH}; {device}, "
            f"{torch.get_num_threads()} thread(s), {given.workers} loader workers"
        )
        print(f"ours pays once, before the first epoch: {once:.2f} s")
        for what, work in (
            ("(a) data alone", lambda images: None),
            (f"(b) with a step of an autoencoder of {weights} weights", step),
        ):
            a, b = seconds(plain, work, device), seconds(ours, work, device)
            print(f"{what}: per item {a:.3f} s, ours {b:.3f} s an epoch: {a / b:.1f} times faster")


if __name__ == "__main__":
    main()
