"""Why a file is not used: one exception with a short code, whose text holds nothing read from the file.

A reader of medical files meets identifiers everywhere: in values, in paths, in the messages of libraries.
What it says about a fault is therefore put together from this page alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from epuredgm.core.errors import EpureError

T = TypeVar("T")

REASONS = {
    "missing": "the file does not exist or is not a regular file",
    "unsafe_path": "the path leads out of the data set's folder",
    "io": "the file cannot be read from the disk",
    "empty": "the file is empty",
    "too_large": "the file is larger than a mammogram can be",
    "not_dicom": "no DICOM file: the mark DICM is missing",
    "not_png": "no PNG file that can be read",
    "png_damaged": "a PNG file whose first bytes are damaged",
    "jpeg": "a JPEG file: mammograms are read from DICOM and PNG files",
    "jpeg_2000": "a JPEG 2000 file, not in DICOM: mammograms are read from DICOM and PNG files",
    "tiff": "a TIFF file: mammograms are read from DICOM and PNG files",
    "pgm": "a PGM file (or PBM, PPM): mammograms are read from DICOM and PNG files",
    "other_picture": "a GIF, BMP or WebP file: mammograms are read from DICOM and PNG files",
    "archive": "an archive or a compressed file: it must be unpacked first",
    "array": "a NumPy or HDF5 file: mammograms are read from DICOM and PNG files",
    "document": "a page or a document, as a failed download leaves it",
    "pointer": "a pointer of Git LFS: the file itself was not downloaded",
    "bad_header": "the header cannot be parsed",
    "element_order": "the elements are not in order, or one is there twice",
    "header_too_large": "the header has more elements or bytes than a mammogram needs",
    "truncated": "the file ends before its content does",
    "bad_element": "an element is not of the kind or form that the standard asks for",
    "missing_element": "an element that a mammogram must have is missing",
    "syntax": "the transfer syntax is not supported",
    "sop_class": "the object is no mammogram (its SOP class is another)",
    "modality": "the modality is not MG",
    "intent": "the presentation intent contradicts the SOP class",
    "frames": "the object has more than one frame",
    "samples": "the pixels have more than one sample",
    "signed": "the pixels are signed",
    "bits": "the numbers of bits contradict each other",
    "size": "the picture has no size, or one that no mammogram has",
    "photometric": "the photometric interpretation is neither MONOCHROME1 nor MONOCHROME2",
    "shape": "the presentation look-up shape contradicts the photometric interpretation",
    "relation": "the relation of pixel values to X-ray intensity is not known",
    "modality_lut": "the modality look-up table or the rescaling is not valid",
    "voi_lut": "the VOI look-up table is not valid",
    "window": "the window is not valid",
    "pixel_length": "the pixel data have another length than the header says",
    "codestream": "the compressed picture contradicts the header",
    "decoder_missing": "a package that decodes this transfer syntax is not installed",
    "decode": "the pixel data cannot be decoded",
    "value_range": "a pixel has more bits than the file, or dataset.reader.bits, says are stored",
    "constant": "all pixels are equal",
    "spacing": "the sizes of a pixel contradict each other or are not possible",
    "view": "the view is recorded, and is neither CC nor MLO",
    "view_conflict": "the view code contradicts the view position, or the folder the table",
    "view_modifier": "the view is a special one (spot, magnification, rolled, implant displaced or the like)",
    "laterality": "the laterality is recorded, and is neither L nor R",
    "laterality_conflict": "two elements, or folder and table, contradict each other about the laterality",
    "orientation": "the patient orientation contradicts the laterality or the view",
    "age": "the age is recorded, and not in the form that the standard asks for",
    "implant": "the breast has an implant",
    "partial_view": "the picture shows a part of the breast",
    "quality_control": "the picture is one of quality control",
    "no_breast": "no breast was found: nothing larger than specks that is brighter than air by 1.5 % of the "
    "range or more touches the left or the right border (the brighter one), where the chest wall is sought; "
    "a black band beside the breast, as scanned films have, is not passed over",
    "dark": "no breast was found, and no value reaches an eighth of the range that the file says it has: "
    "dataset.reader.bits says how many bits are in use",
    "cells": "the row has more cells than the table has columns: a separator stands in a cell without quotes",
    "patient_unknown": "nothing names the patient: neither table nor path nor header",
    "too_little_breast": "less of the picture is breast than dataset.reader.foreground asks for",
    "shared_picture": "the same picture is also another patient's",
    "several_components": "there are several large things in the picture",
    "area_small": "the breast fills less of the picture than one can",
    "area_large": "the breast fills more of the picture than one can",
    "clipped": "the breast touches the border opposite to the chest wall",
    "side": "the chest wall is at the border that contradicts the laterality",
    "header_view_conflict": "header and table contradict each other about the view",
    "header_laterality_conflict": "header and table contradict each other about the laterality",
    "header_age_conflict": "header and table contradict each other about the age",
    "path_missing": "the row has no path",
    "path_absolute": "the path does not start at the data set's folder",
    "path_unsafe": "the path is none of a file below the data set's folder",
    "glued_unreadable": "the cell is no path with side, view, age and two flags at its end",
    "laterality_unreadable": "the table's laterality is neither L nor R",
    "view_unreadable": "the table's view is neither CC nor MLO",
    "age_unreadable": "the table's age is none",
    "cancer_unreadable": "the table's flag of cancer is neither 0 nor 1",
    "false_positive_unreadable": "the table's flag of a false positive is neither 0 nor 1",
    "class_conflict": "folder and table contradict each other about the class",
    "cancer_and_false_positive": "the exam is called cancer and false positive",
    "listed_twice": "the file is in the table before",
    "listed_twice_conflict": "the file is in the table twice, with other values",
    "exam_class_conflict": "rows of one exam contradict each other about its class",
    "exam_age_conflict": "rows of one exam contradict each other about the age",
}


class Unreadable(EpureError):
    """A file that cannot be used, as a short code.

    Args:
        code: a key of ``REASONS``.
        about: a keyword of the standard or the name of a package; never anything read from the file.
    """

    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(f"{REASONS[code]} ({about})" if about else REASONS[code])
        self.code = code
        self.about = about

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.about)


def guarded(code: str, about: str, work: Callable[[], T]) -> T:
    """``work()``, with every exception turned into ``Unreadable(code, about)``.

    The exception of the library is not chained: its text, and the frames of its traceback, may hold values.
    Catching everything is meant: a hostile file raises whatever it likes, and what panics in Rust is no
    ``Exception`` in Python.
    """
    try:
        return work()
    except (Unreadable, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:
        pass
    raise Unreadable(code, about)
