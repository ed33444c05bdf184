"""A generated mammogram as a DICOM object: Digital Mammography X-Ray Image for presentation (PS3.3 A.26).

It is DERIVED, of a patient who never lived, under identifiers that are derived from nothing: they are random.
There was no exposure, so nothing is said of one; what the standard wants all the same is left empty where it
may be. One element may not be empty, the pixel spacing: it is nominal, and the comment says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from epuredgm import __version__
from epuredgm.data.designs import Stored
from epuredgm.data.mammography.phantom_dicom import IMPLEMENTATION, content_of
from epuredgm.data.mammography.phantom_header import SOP_CLASSES, VIEW_CODES, code, projection

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FIELD = 240.0  # mm: height of the nominal field, a detector's; the true size of a generated breast is unknown
COMMENT = "SYNTHETIC: NO SUCH PATIENT. SPACING NOMINAL."
DERIVATION = "SYNTHETIC: EPUREDGM GENERATOR, NO SUCH PATIENT."
VIEWS = tuple(VIEW_CODES)
SIDES = ("L", "R")


def random_uid() -> str:
    """A fresh identifier below the root of UUIDs (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


@dataclass(frozen=True)
class Picture:
    """One generated mammogram.

    Attributes:
        pixels: (H, W) unsigned, as people see it: the chest wall of a right breast is at the right.
        bits: that its values use, from 8 to 16; the largest is white.
        side: ``L`` or ``R``.
        view: one of ``VIEWS``.
        age: in years, or None.
    """

    pixels: Stored
    bits: int
    side: str
    view: str
    age: int | None = None


def spacing(rows: int) -> float:
    """The nominal distance of pixels in mm."""
    return FIELD / rows


def object_of(picture: Picture, new_uid: Callable[[], str] = random_uid) -> bytes:
    """The content of a DICOM file.

    Args:
        picture: what it shows.
        new_uid: gives identifiers, a new one each time: study, series, instance, and the patient's number.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    ds = Dataset()
    _patient(ds, picture, new_uid)
    _image(ds, picture, new_uid)
    _no_acquisition(ds, picture)
    projection(ds, picture.side, picture.view)
    ds.PixelData = picture.pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = UID(IMPLEMENTATION)
    return content_of(ds)


def _patient(ds: Dataset, picture: Picture, new_uid: Callable[[], str]) -> None:
    """Every picture has a patient of its own: no two samples are of one woman."""
    digits = new_uid()[-18:]
    number = "-".join(digits[start : start + 6] for start in (0, 6, 12))
    ds.PatientName, ds.PatientID = f"SYNTHETIC^{number}", f"SYNTHETIC-{number}"
    ds.PatientBirthDate = ds.PatientSex = ""
    if picture.age is not None:
        ds.PatientAge = f"{picture.age:03d}Y"
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "SYNTHETIC: NO SUCH PATIENT"
    ds.DeidentificationMethodCodeSequence = [
        code("113100", "DCM", "Basic Application Confidentiality Profile")
    ]
    ds.StudyInstanceUID, ds.SeriesInstanceUID = new_uid(), new_uid()
    for empty in ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"):
        setattr(ds, empty, "")


def _image(ds: Dataset, picture: Picture, new_uid: Callable[[], str]) -> None:
    ds.SOPClassUID, ds.SOPInstanceUID = SOP_CLASSES["PRESENTATION"], new_uid()
    ds.Modality, ds.PresentationIntentType = "MG", "FOR PRESENTATION"
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.ImageComments, ds.DerivationDescription = COMMENT, DERIVATION
    ds.Manufacturer, ds.ManufacturerModelName = "epuredgm", "epuredgm generator"
    ds.SoftwareVersions = __version__
    ds.SamplesPerPixel, (ds.Rows, ds.Columns) = 1, picture.pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, picture.bits, picture.bits - 1
    ds.PixelRepresentation = 0
    ds.PhotometricInterpretation, ds.PresentationLUTShape = "MONOCHROME2", "IDENTITY"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.WindowCenter, ds.WindowWidth = 2 ** (picture.bits - 1), 2**picture.bits  # the identity
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.LossyImageCompression, ds.BurnedInAnnotation, ds.QualityControlImage = "00", "NO", "NO"


def _no_acquisition(ds: Dataset, picture: Picture) -> None:
    millimetres = f"{spacing(len(picture.pixels)):.8g}"
    ds.ImagerPixelSpacing = [millimetres, millimetres]
    ds.AcquisitionContextSequence = []
    ds.DetectorType = ""
