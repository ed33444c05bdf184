"""What a de-identified mammogram may say: every element with the values it may have; all else is refused.

Text has no place of its own here: each value must be one of a short list, a number, a UID, or words of a
small vocabulary of the technique. So a name cannot pass for a description, whatever element it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = Callable[[str], bool]

DATE_PART = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\d{6})?")
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
NUMBER = re.compile(r"[+-]?(\d{1,9}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
COUNT = re.compile(r"[+-]?\d{1,5}")  # six digits and more can number people
VERSION = re.compile(r"[A-Za-z]{0,12}[ _-]?v?\d{1,4}([._ -]\d{1,4}){0,5}")
IMPLEMENTATION = re.compile(r"(?=.*\d)[A-Za-z0-9_./ -]{1,16}")
APPLICATION = re.compile(r"(GDCM|PYDICOM|DCMTK|OFFIS|ITK|DCM4CHE)[A-Z0-9_./ -]*", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z]+")
PLAIN = re.compile(r"[A-Za-z0-9 ,.:()/+&-]{0,64}")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOCABULARY = _listed(
    """
    cranio caudal craniocaudal medio medial lateral oblique mediolateral latero medially laterally exaggerated
    breast breasts entire structure region left right view projection digital mammography mammogram
    basic application confidentiality profile clean pixel data option retain recognizable visual features
    graphics structured content descriptors longitudinal temporal information full modified dates patient
    characteristics device identity safe private institution uids ps dicom annex e
    normal harder softer hard soft standard default user linear sigmoid lut voi window brighter darker
    minus plus ge medical systems healthcare senographe essential ds d pristina crystal hologic inc
    selenia dimensions
    lorad siemens mammomat inspiration revelation novation fujifilm corporation fuji amulet innovality philips
    microdose planmed nuance kodak carestream agfa ims giotto metaltronica sectra konica minolta phantom
    synthetic epuredgm generator software no such spacing nominal
    """
)
CODES = _listed(  # CID 4014 views, CID 4015 modifiers, the breast, CID 7050 methods
    """
    399162004 399368009 399260004 399352003 399099002 399192008 399101009 399196006 399188001 441555000
    R-10242 R-10226 R-10224 R-10228 R-10230 R-1024A R-1024B R-10244
    399226006 442581004 442580003 441752004 415670009 399055006 399110001 399011000 399163009 399209000
    399161006 442593008 399197002 414493004 R-102D6 R-102D7 R-102D5 R-102D2 R-102D1 R-102CA R-102C9
    76752008 T-04000 7771000 24028007 G-A100 G-A101
    113100 113101 113102 113103 113104 113105 113106 113107 113108 113109 113110 113111 113112
    """
)
DEIDENTIFICATION_CODES = frozenset(str(code) for code in range(113100, 113113))  # CID 7050
BASIC_PROFILE = "113100"
METHOD = re.compile(r"PS ?3\.15|basic application (level )?confidentiality profile", re.IGNORECASE)


def one_of(words: str) -> Rule:
    """One of some words, which are separated by ``|``."""
    allowed = frozenset(words.split("|"))
    return lambda text: text.upper() in allowed


def matching(pattern: re.Pattern[str]) -> Rule:
    """The whole value matches."""
    return lambda text: pattern.fullmatch(text) is not None


def of_vocabulary(text: str) -> bool:
    """Words of the technique, small numbers and plain punctuation."""
    known = all(word.lower() in VOCABULARY for word in WORD.findall(text))
    return known and PLAIN.fullmatch(text) is not None and not re.search(r"\d{5}", text)


def is_method(text: str) -> bool:
    """A name of PS3.15's profile, in words of the vocabulary."""
    return METHOD.search(text) is not None and of_vocabulary(text)


def is_uid(text: str) -> bool:
    """A UID in which no part is a date."""
    return UID.fullmatch(text) is not None and not any(map(DATE_PART.fullmatch, text.split(".")))


def anything(text: str) -> bool:
    """No limit: for values that another check has looked at."""
    return True


ELEMENTS: dict[str, Rule] = {
    "SpecificCharacterSet": one_of("ISO_IR 6|ISO_IR 100|ISO_IR 192|ISO 2022 IR 6|ISO 2022 IR 100"),
    "ImageType": one_of("ORIGINAL|DERIVED|PRIMARY|SECONDARY|POST_PROCESSED|POST_CONTRAST|LEFT|RIGHT"),
    "Modality": one_of("MG"),
    "PresentationIntentType": one_of("FOR PRESENTATION|FOR PROCESSING"),
    "PatientSex": one_of("F|M|O"),
    "PatientIdentityRemoved": one_of("YES"),
    "DeidentificationMethod": of_vocabulary,
    "ImageComments": of_vocabulary,
    "DerivationDescription": of_vocabulary,
    "BodyPartExamined": one_of("BREAST"),
    "OrganExposed": one_of("BREAST"),
    "ViewPosition": one_of("CC|MLO|ML|LM|LMO|XCCL|XCCM|AP|PA|LL|RL"),
    "ImageLaterality": one_of("L|R|B|U"),
    "Laterality": one_of("L|R"),
    "PatientOrientation": matching(re.compile(r"[APLRHF]{1,3}")),
    "Manufacturer": of_vocabulary,
    "ManufacturerModelName": of_vocabulary,
    "SoftwareVersions": matching(VERSION),
    "StudyID": matching(re.compile(r"\d{1,4}")),
    "BurnedInAnnotation": one_of("NO"),
    "RecognizableVisualFeatures": one_of("NO"),
    "LossyImageCompression": one_of("00|01"),
    "LossyImageCompressionMethod": one_of("ISO_10918_1|ISO_14495_1|ISO_15444_1"),
    "PhotometricInterpretation": one_of("MONOCHROME1|MONOCHROME2"),
    "PresentationLUTShape": one_of("IDENTITY|INVERSE"),
    "VOILUTFunction": one_of("LINEAR|LINEAR_EXACT|SIGMOID"),
    "WindowCenterWidthExplanation": of_vocabulary,
    "LUTExplanation": of_vocabulary,
    "ModalityLUTType": one_of("US|OD|HU"),
    "RescaleType": one_of("US|OD"),
    "PixelIntensityRelationship": one_of("LIN|LOG|DISP"),
    "PixelSpacingCalibrationType": one_of("GEOMETRY|FIDUCIAL"),
    "AnodeTargetMaterial": one_of("MOLYBDENUM|RHODIUM|TUNGSTEN|SILVER"),
    "FilterType": one_of("NONE|STRIP|WEDGE|BUTTERFLY|MULTIPLE|FLAT"),
    "FilterMaterial": one_of("MOLYBDENUM|RHODIUM|SILVER|ALUMINUM|COPPER|TIN"),
    "Grid": one_of("FIXED|FOCUSED|RECIPROCATING|PARALLEL|CROSSED|NONE|IN|HTC_IN|HTC_OUT"),
    "PositionerType": one_of("MAMMOGRAPHIC|NONE|COLUMN"),
    "ExposureControlMode": one_of("AUTOMATIC|MANUAL|AUTO"),
    "ExposureStatus": one_of("NORMAL|ABORTED"),
    "CollimatorShape": one_of("RECTANGULAR|CIRCULAR|POLYGONAL"),
    "FieldOfViewShape": one_of("RECTANGLE|ROUND|HEXAGONAL"),
    "FieldOfViewHorizontalFlip": one_of("YES|NO"),
    "DetectorType": one_of("DIRECT|SCINTILLATOR|STORAGE|FILM"),
    "DetectorConfiguration": one_of("AREA|SLOT"),
    "DetectorConditionsNominalFlag": one_of("YES|NO"),
    "DetectorActiveShape": one_of("RECTANGLE|ROUND|HEXAGONAL"),
    "BreastImplantPresent": one_of("YES|NO"),
    "PartialView": one_of("YES|NO"),
    "QualityControlImage": one_of("YES|NO|BOTH"),
    "CodeValue": CODES.__contains__,
    "CodingSchemeDesignator": one_of("SCT|SRT|SNM3|DCM|99SDM"),
    "CodingSchemeVersion": matching(VERSION),
    "CodeMeaning": of_vocabulary,
    "ContextIdentifier": matching(COUNT),
    "MappingResource": one_of("DCMR"),
    "ImplementationVersionName": matching(IMPLEMENTATION),
    "SourceApplicationEntityTitle": matching(APPLICATION),
}
NUMBERS = _listed("""
    SeriesNumber InstanceNumber AcquisitionNumber ImagesInAcquisition NumberOfFrames SamplesPerPixel
    Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue
    LargestImagePixelValue
    PixelPaddingValue PixelPaddingRangeLimit PixelAspectRatio WindowCenter WindowWidth RescaleSlope
    RescaleIntercept PixelIntensityRelationshipSign LUTDescriptor LossyImageCompressionRatio KVP
    ExposureTime ExposureTimeInuS XRayTubeCurrent XRayTubeCurrentInuA Exposure ExposureInuAs
    DistanceSourceToDetector DistanceSourceToPatient DistanceSourceToEntrance
    EstimatedRadiographicMagnificationFactor FilterThicknessMinimum FilterThicknessMaximum FocalSpots
    BodyPartThickness CompressionForce EntranceDose EntranceDoseInmGy OrganDose HalfValueLayer
    RelativeXRayExposure PositionerPrimaryAngle PositionerSecondaryAngle Sensitivity
    CollimatorLeftVerticalEdge
    CollimatorRightVerticalEdge CollimatorUpperHorizontalEdge CollimatorLowerHorizontalEdge
    FieldOfViewDimensions FieldOfViewOrigin FieldOfViewRotation DetectorTemperature DetectorBinning
    DetectorElementPhysicalSize
    DetectorElementSpacing DetectorActiveDimensions DetectorActiveOrigin ImagerPixelSpacing PixelSpacing
    GridAspectRatio GridPitch GridPeriod
    FileMetaInformationGroupLength
""")
UIDS = _listed("""
    SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID ContextUID
    MediaStorageSOPClassUID MediaStorageSOPInstanceUID TransferSyntaxUID ImplementationClassUID
""")
SEQUENCES = _listed(
    """
    AnatomicRegionSequence AnatomicRegionModifierSequence ViewCodeSequence ViewModifierCodeSequence
    VOILUTSequence ModalityLUTSequence DeidentificationMethodCodeSequence
    """
)
BYTES = frozenset(("PixelData", "LUTData"))
ELEMENTS.update(dict.fromkeys(NUMBERS, matching(NUMBER)))
ELEMENTS.update(dict.fromkeys(("SeriesNumber", "InstanceNumber", "AcquisitionNumber"), matching(COUNT)))
ELEMENTS.update(dict.fromkeys(UIDS, is_uid))
ELEMENTS.update(dict.fromkeys(BYTES, anything))
