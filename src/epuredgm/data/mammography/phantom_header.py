"""The elements of a digital mammography object (PS3.3 A.26), module by module, of a patient who never lived.

Nothing here is random or timed: identifiers are hashes of what the object shows, and there are no dates.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from epuredgm.data.mammography.phantom import Exposure
from epuredgm.data.mammography.phantom_forms import Form

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SOP_CLASSES = {"PRESENTATION": "1.2.840.10008.5.1.4.1.1.1.2", "PROCESSING": "1.2.840.10008.5.1.4.1.1.1.2.1"}
VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
ORIENTATIONS = {
    ("L", "CC"): ["A", "R"],
    ("R", "CC"): ["P", "L"],
    ("L", "MLO"): ["A", "FR"],
    ("R", "MLO"): ["P", "FL"],
}
SOURCE_TO_DETECTOR, SOURCE_TO_PATIENT = 660, 610  # mm
MAGNIFICATION = SOURCE_TO_DETECTOR / SOURCE_TO_PATIENT  # the phantom's mm are those in the breast


def uid(*names: str | int | float) -> str:
    """An identifier of what is called ``names``, below the root of UUIDs (PS3.5 B.2)."""
    text = "/".join(str(name).replace("/", "//") for name in ("mammography phantom", *names))
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def patient_id(root: int, number: int) -> str:
    """The synthetic patient's identifier."""
    return f"PHANTOM{hashlib.sha256(f'{root}/{number}'.encode()).hexdigest()[:8].upper()}"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One item of a code sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def projection(ds: Dataset, side: str, view: str) -> None:
    """Say which breast is seen from where."""
    value, meaning = VIEW_CODES[view]
    seen = code(value, "SCT", meaning)
    seen.ViewModifierCodeSequence = []
    ds.ViewCodeSequence = [seen]
    ds.ViewPosition = view
    ds.AnatomicRegionSequence = [code("76752008", "SCT", "Breast")]
    ds.BodyPartExamined = ds.OrganExposed = "BREAST"
    ds.ImageLaterality = side
    ds.PatientOrientation = ORIENTATIONS[side, view]
    ds.PositionerType = "MAMMOGRAPHIC"
    ds.BreastImplantPresent = ds.PartialView = "NO"


def fill(dataset: Dataset, exposure: Exposure, form: Form, variant: str = "") -> None:
    """Write every element but the pixels and the grey-scale functions.

    Args:
        variant: enters the identifier of the instance, so that no two objects share one.
    """
    _patient_and_study(dataset, exposure)
    _image(dataset, exposure, form, variant)
    _acquisition(dataset, exposure)
    _positioning(dataset, exposure)


def _patient_and_study(ds: Dataset, exposure: Exposure) -> None:
    patient = exposure.patient
    key = patient_id(patient.root, patient.number)
    ds.PatientName = f"SYNTHETIC^{key}"
    ds.PatientID = key
    ds.PatientBirthDate = ""
    ds.PatientSex = "F"
    ds.PatientAge = f"{patient.age:03d}Y"
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "SYNTHETIC: NO SUCH PATIENT"
    ds.DeidentificationMethodCodeSequence = [
        code("113100", "DCM", "Basic Application Confidentiality Profile")
    ]
    ds.StudyInstanceUID = uid("study", patient.root, patient.number)
    for empty in ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"):
        setattr(ds, empty, "")


def _image(ds: Dataset, exposure: Exposure, form: Form, variant: str) -> None:
    patient, grid = exposure.patient, exposure.grid
    names = (patient.root, patient.number, exposure.side, exposure.view, exposure.take)
    ds.SOPClassUID = SOP_CLASSES[form.intent]
    facts = (*grid.shape, grid.pixel, form.intent, form.bits, form.photometric, form.voi)
    ds.SOPInstanceUID = uid("instance", *names, *facts, variant)
    ds.SeriesInstanceUID = uid("series", patient.root, patient.number, form.intent)
    ds.Modality = "MG"
    ds.PresentationIntentType = f"FOR {form.intent}"
    ds.SeriesNumber = 1 if form.intent == "PRESENTATION" else 2
    order = 2 * (exposure.side == "R") + (exposure.view == "MLO")
    ds.InstanceNumber = 1 + order + 4 * exposure.take
    ds.ImageType = ["DERIVED" if form.intent == "PRESENTATION" else "ORIGINAL", "PRIMARY"]
    ds.Manufacturer = "epuredgm phantom"
    ds.SamplesPerPixel = 1
    ds.Rows, ds.Columns = grid.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, form.bits, form.bits - 1, 0
    ds.PhotometricInterpretation = form.photometric
    ds.PresentationLUTShape = "INVERSE" if form.photometric == "MONOCHROME1" else "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.QualityControlImage = "NO"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    # raw counts rise with what reaches the detector; what is shown falls with its logarithm
    linear = form.intent == "PROCESSING"
    ds.PixelIntensityRelationship = "LIN" if linear else "LOG"
    ds.PixelIntensityRelationshipSign = 1 if linear else -1


def _acquisition(ds: Dataset, exposure: Exposure) -> None:
    spacing = f"{exposure.grid.pixel * MAGNIFICATION:.8g}"
    ds.ImagerPixelSpacing = [spacing, spacing]
    ds.DistanceSourceToDetector = SOURCE_TO_DETECTOR
    ds.DistanceSourceToPatient = SOURCE_TO_PATIENT
    ds.EstimatedRadiographicMagnificationFactor = f"{MAGNIFICATION:.8g}"
    ds.AcquisitionContextSequence = []
    ds.KVP = 29
    ds.Exposure = 60
    ds.AnodeTargetMaterial = "RHODIUM"
    ds.FilterType = "NONE"
    ds.FilterMaterial = "RHODIUM"
    ds.FocalSpots = "0.3"
    ds.Grid = ["RECIPROCATING", "PARALLEL"]
    ds.CompressionForce = 100
    ds.BodyPartThickness = f"{exposure.patient.thickness:.1f}"
    ds.DetectorType = "SCINTILLATOR"
    ds.DetectorConfiguration = "AREA"
    ds.DetectorActiveShape = "RECTANGLE"


def _positioning(ds: Dataset, exposure: Exposure) -> None:
    projection(ds, exposure.side, exposure.view)
    angle = 0 if exposure.view == "CC" else 45
    ds.PositionerPrimaryAngle = angle if exposure.side == "R" else -angle
