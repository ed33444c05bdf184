"""Where every artefact lives, relative to the workspace. No other module builds such a path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from epuredgm.core.errors import BadRequest


def user_path(text: str) -> Path:
    """A path as a user writes it: ``~`` is the home folder.

    Raises:
        BadRequest: if it can be no path.
    """
    if not isinstance(text, str) or "\0" in text:
        raise BadRequest(f"{text!r} is no path", "Write it as text, in quotes where it is a number.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadRequest(
            f"{text!r} begins with a home folder that is not known here", "Write the whole path."
        ) from error


def stays_inside(branch: str) -> bool:
    """Whether a folder's name means one inside the workspace on any system: records store relative paths."""
    posix, windows = PurePosixPath(branch), PureWindowsPath(branch)
    return not (posix.is_absolute() or windows.anchor or ".." in (*posix.parts, *windows.parts))


@dataclass(frozen=True)
class Workspace:
    """The root of all data and outputs.

    Attributes:
        root: absolute path of the workspace.
        branch: sub-folder that takes everything but data, so that a test study never mixes with a real one;
            empty for the workspace itself.
    """

    root: Path
    branch: str = ""

    @property
    def base(self) -> Path:
        """Folder of this branch's outputs, records and logs."""
        return self.root / self.branch if self.branch else self.root

    def relative(self, path: Path) -> str:
        """``path`` relative to the root, with forward slashes, as records store it."""
        return path.relative_to(self.root).as_posix()

    # data -----------------------------------------------------------------------------------------

    def data(self, dataset: str) -> Path:
        """Where the data set's own files are (a user's images and table, or an export of the toy data)."""
        return self.root / "data" / dataset

    @property
    def cache(self) -> Path:
        """Decoded data sets, keyed by content."""
        return self.root / "data" / ".cache"

    @property
    def weights(self) -> Path:
        """Weights that come from elsewhere."""
        return self.cache / "weights"

    # what the tool knows --------------------------------------------------------------------------

    @property
    def private(self) -> Path:
        """Job records and locks of this branch."""
        return self.base / ".epuredgm"

    def record(self, key: str) -> Path:
        """The record of one job."""
        return self.private / "jobs" / f"{key}.json"

    def done(self, key: str) -> Path:
        """The record of a job's last good end, where it has no folder of its own to keep it in."""
        return self.private / "done" / f"{key}.json"

    @property
    def batch_sizes(self) -> Path:
        """How many designs fitted at once where memory ran out."""
        return self.private / "batch_sizes"

    @property
    def lock(self) -> Path:
        """Held by the one orchestrator that works in this branch."""
        return self.private / "lock"

    # runs -----------------------------------------------------------------------------------------

    def runs(self, run: str) -> Path:
        """Folder of all runs of a model on a data set; ``run`` is ``<model>_<dataset>``."""
        return self.base / "outputs" / run

    def run_pointer(self, run: str, seed: int) -> Path:
        """Pointer to the finished run of one seed."""
        return self.runs(run) / f"run_seed{seed}"

    def samples(self, run: str, seed: int, mode: str, given: str | None = None) -> Path:
        """Folder of one set of samples; ``given`` is the given component of an inpainting set."""
        folder = self.base / "samples" / run / mode
        return (folder / given if given else folder) / f"run_seed{seed}"

    # results --------------------------------------------------------------------------------------

    def results(self, dataset: str) -> Path:
        """Folder of all evaluation results on a data set."""
        return self.base / "evaluation_results" / dataset

    def result(self, dataset: str, model: str, seed: int) -> Path:
        """Metrics of one run."""
        return self.results(dataset) / model / f"run_seed{seed}.json"

    def resamples(self, dataset: str, model: str, seed: int) -> Path:
        """Resampled headline figures of one run, for comparisons between runs."""
        return self.results(dataset) / model / f"run_seed{seed}.resamples.npz"

    def scores(self, dataset: str, model: str, seed: int) -> Path:
        """Folder of what is published of one run."""
        return self.results(dataset) / model / f"seed{seed}"

    def fid_scores(self, dataset: str, model: str, seed: int) -> Path:
        """Distances between generated and real pictures of one run."""
        return self.scores(dataset, model, seed) / "fid_scores.json"

    def ssim_scores(self, dataset: str, model: str, seed: int) -> Path:
        """Likeness of pictures of one run: to what they were made from, and to each other."""
        return self.scores(dataset, model, seed) / "ssim_scores.json"

    def evaluation_report(self, dataset: str, model: str, seed: int) -> Path:
        """The report on one run, on paper."""
        return self.scores(dataset, model, seed) / "evaluation_report.pdf"

    def reference(self, dataset: str) -> Path:
        """Feature extractors and the features of real designs, shared by the evaluations of all runs."""
        return self.results(dataset) / "reference"

    def report(self, dataset: str) -> Path:
        """Folder of the report on a data set."""
        return self.results(dataset) / "report"

    def report_page(self, dataset: str) -> Path:
        """The report as one HTML file."""
        return self.report(dataset) / "report.html"

    def summary(self, dataset: str) -> Path:
        """Aggregates and rankings of all runs on a data set."""
        return self.results(dataset) / "summary.json"

    # logs -----------------------------------------------------------------------------------------

    @property
    def logs(self) -> Path:
        """Folder of all invocations' logs."""
        return self.base / "logs" / "pipeline"

    @property
    def latest(self) -> Path:
        """Pointer to the newest invocation's logs."""
        return self.logs / "latest"


def expanded(path: str | Path) -> Path:
    """A path with ``~`` replaced; as it stands where nobody has a home: a number without an account, say."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
