"""Mammograms of the phantom as DICOM files: plain, or in the compressed syntaxes that real archives hold."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.phantom import Exposure
from epuredgm.data.mammography.phantom_forms import PLAIN, Form
from epuredgm.data.mammography.phantom_header import fill, uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLEMENTATION = uid("implementation")


def dataset_of(exposure: Exposure, form: Form = PLAIN, variant: str = "") -> Dataset:
    """The DICOM object of an exposure; equal arguments give equal elements."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    dataset = Dataset()
    fill(dataset, exposure, form, variant)
    if form.intent == "PRESENTATION":  # windows are not allowed for processing
        _fill_voi(dataset, form)
    pixels = form.pixels(exposure.presentation, exposure.counts)
    dataset.PixelData = pixels.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = UID(IMPLEMENTATION)
    return dataset


def content_of(dataset: Dataset) -> bytes:
    """The object as a file; equal objects give equal bytes."""
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _fill_voi(dataset: Dataset, form: Form) -> None:
    if form.voi in ("lut", "lut8"):
        dataset.VOILUTSequence = [_voi_lut(form)]
        return
    centre, width = form.window
    if form.voi == "windows":
        dataset.WindowCenter = [f"{centre:.10g}", f"{centre * 0.8:.10g}"]
        dataset.WindowWidth = [f"{width:.10g}", f"{width * 0.4:.10g}"]
        dataset.WindowCenterWidthExplanation = ["NORMAL", "HARDER"]
    else:
        dataset.WindowCenter, dataset.WindowWidth = f"{centre:.10g}", f"{width:.10g}"
    if form.voi == "sigmoid":
        dataset.VOILUTFunction = "SIGMOID"


def _voi_lut(form: Form) -> Dataset:
    from pydicom.dataset import Dataset

    table = form.table()
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(table) % 65536, 0, form.entry_bits])
    item.LUTExplanation = "NORMAL"
    item.add_new("LUTData", "OW", table.astype("<u2").tobytes())  # 8-bit entries too: one word each
    return item


def compressed(dataset: Dataset, syntax: str) -> Dataset:
    """The same object with its pixels compressed without loss.

    Args:
        syntax: a key of ``COMPRESSIONS``.

    Raises:
        BadRequest: if there is no such syntax here, or its encoder is not installed.
    """
    if syntax not in COMPRESSIONS:
        raise BadRequest(f"no encoder for {syntax!r}", f"Choose one of: {', '.join(COMPRESSIONS)}")
    try:
        return COMPRESSIONS[syntax](dataset)
    except ImportError as error:
        raise BadRequest(
            f"{syntax} needs a package that is not installed: {error.name}", "Install epuredgm anew."
        ) from error


def _by_pydicom(uid_name: str, plugin: str, package: str) -> Callable[[Dataset], Dataset]:
    def compress(dataset: Dataset) -> Dataset:
        from copy import deepcopy
        from importlib import import_module

        from pydicom import uid

        if package:
            import_module(package)  # else pydicom reports a missing encoder as a runtime error
        copy = deepcopy(dataset)
        copy.compress(getattr(uid, uid_name), encoding_plugin=plugin, generate_instance_uid=False)
        return copy

    return compress


def _jpeg_lossless(dataset: Dataset) -> Dataset:
    """JPEG lossless, first-order prediction; only GDCM encodes it, of which only the pixels are kept."""
    from copy import deepcopy

    import gdcm
    from pydicom import dcmread
    from pydicom.uid import JPEGLosslessSV1

    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder, "plain.dcm"), Path(folder, "packed.dcm")
        plain.write_bytes(content_of(dataset))
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(plain))
        done = reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        done = done and change.Change()
        writer.SetFileName(str(packed))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not (done and writer.Write()):
            raise BadRequest("GDCM did not compress the picture as JPEG lossless")
        pixels = dcmread(packed).PixelData
    copy = deepcopy(dataset)
    copy.PixelData = pixels
    copy["PixelData"].VR = "OB"
    copy["PixelData"].is_undefined_length = True
    copy.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    return copy


COMPRESSIONS: dict[str, Callable[[Dataset], Dataset]] = {
    "jpeg_lossless_sv1": _jpeg_lossless,
    "jpeg_ls": _by_pydicom("JPEGLSLossless", "pyjpegls", "jpeg_ls"),
    "jpeg_2000": _by_pydicom("JPEG2000Lossless", "pylibjpeg", "openjpeg"),
    "rle": _by_pydicom("RLELossless", "pydicom", ""),
}
