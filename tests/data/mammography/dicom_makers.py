"""Small mammograms as DICOM bytes, for tests of the reading side: made here, of nothing real."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

Change = Callable[[FileDataset], None]
PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}


def breast(rows: int = 64, columns: int = 48, side: str = "L", seed: int = 0) -> NDArray[np.float64]:
    """Presentation values (H, W) in [0, 1]: half an ellipse with texture at the chest wall, air exactly 0."""
    y, x = np.mgrid[:rows, :columns]
    radius = (x / (0.7 * columns)) ** 2 + ((y - rows / 2 + 0.5) / (0.38 * rows)) ** 2
    texture = np.random.default_rng(seed).random((rows, columns))
    values = np.where(radius <= 1.0, 0.15 + 0.6 * (1.0 - radius) + 0.15 * texture, 0.0)
    return values if side == "L" else values[:, ::-1]


def coded(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def mammogram(
    values: NDArray[np.float64] | None = None,
    *,
    bits: int = 12,
    photometric: str = "MONOCHROME2",
    side: str = "L",
    view: str = "CC",
    implicit: bool = False,
    stored: NDArray[np.integer[Any]] | None = None,
) -> FileDataset:
    """A de-identified FOR PRESENTATION object of ``values`` (H, W) in [0, 1], in an uncompressed syntax."""
    top = (1 << bits) - 1
    if stored is None:
        values = breast(side=side) if values is None else values
        stored = np.rint((values if photometric == "MONOCHROME2" else 1.0 - values) * top)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = uid.UID(PRESENTATION)
    meta.MediaStorageSOPInstanceUID = uid.UID("2.25.1001")
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = PRESENTATION, "2.25.1001"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1002", "2.25.1003"
    dataset.Modality, dataset.PresentationIntentType = "MG", "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.PatientName, dataset.PatientID = "", ""
    dataset.PatientBirthDate, dataset.StudyDate, dataset.AccessionNumber = "", "", ""
    dataset.PatientSex, dataset.PatientAge = "F", "058Y"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethodCodeSequence = Sequence(
        [coded("113100", "Basic Application Confidentiality Profile", "DCM")]
    )
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.BodyPartExamined, dataset.ImageLaterality, dataset.ViewPosition = "BREAST", side, view
    item = coded(*VIEW_CODES[view])
    item.ViewModifierCodeSequence = Sequence([])
    dataset.ViewCodeSequence = Sequence([item])
    dataset.PatientOrientation = [{"L": "A", "R": "P"}[side], {"L": "R", "R": "L"}[side]]
    dataset.ImagerPixelSpacing = [0.4, 0.4]
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = photometric
    dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "US"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = 16 if bits > 8 else 8
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    pixels = stored.astype("<u2" if bits > 8 else "u1").tobytes()
    dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    dataset["PixelData"].VR = "OW"
    return dataset


def as_bytes(dataset: FileDataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def setting(**values: object) -> Change:
    """A change that sets elements, or removes those that are None."""

    def change(dataset: FileDataset) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return change


def made(change: Change | None = None, **kinds: Any) -> bytes:
    """The bytes of a mammogram after ``change``."""
    dataset = mammogram(**kinds)
    if change is not None:
        change(dataset)
    return as_bytes(dataset)


def stored_values(dataset: FileDataset) -> NDArray[np.uint16]:
    kind = "<u2" if dataset.BitsAllocated == 16 else "u1"
    count = dataset.Rows * dataset.Columns
    return (
        np.frombuffer(dataset.PixelData, kind, count).reshape(dataset.Rows, dataset.Columns).astype(np.uint16)
    )


def compressed(dataset: FileDataset, syntax: str, folder: Path) -> bytes:
    """The bytes of the same picture in a lossless compressed syntax, by an encoder of pydicom or gdcm."""
    if syntax in ("JPEGLossless", "JPEGLosslessSV1"):
        return _by_gdcm(as_bytes(dataset), syntax, folder)
    copy = mammogram(stored=stored_values(dataset), bits=dataset.BitsStored)
    copy.compress(getattr(uid, syntax))
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID  # compress() makes a new one
    return as_bytes(copy)


def _by_gdcm(content: bytes, syntax: str, folder: Path) -> bytes:
    import gdcm

    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(content)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    kind = "JPEGLosslessProcess14" if syntax == "JPEGLossless" else "JPEGLosslessProcess14_1"
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, kind)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    return target.read_bytes()
