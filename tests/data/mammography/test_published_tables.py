"""The tables of public collections of mammograms, in their published form, with rows that are made up.

Those of NLBS are read. Of the others each ends in a true sentence: which columns are missing, or what the
file is; never in a traceback, and never with a row in it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from reader_makers import a_reader

from epuredgm.core.errors import DataError
from epuredgm.core.monitor import SILENT
from epuredgm.data.mammography.metadata import read_rows

EXAM = "123456789012"
PLACE = rf"normal\{EXAM}\left\CC\IM-0001-0001.dcm"
NEW = (
    "File Path,Image Laterality,View Position,Age,Study Date,Window Center,Window Width,Cancer,"
    "Hard to State Negative"
)
OLD = "File Path,Image Laterality,View Position,Age,Cancer,False Positive"
NLBS = {
    "older": f"{OLD}\r\n{PLACE},L,CC,58,0,0\r\n",
    "newer": f"{NEW}\r\n{PLACE},L,CC,58,,2048,4096,0,0\r\n",
    "one column": f"File Path\r\n{PLACE}LCC5800\r\n",
    "other separators": f"{OLD}\r\n/{PLACE.replace(chr(92), '/')},L,CC,58,0,0\r\n",
    "shuffled": f"Age,Cancer,View Position,File Path,Image Laterality,x\r\n58,0,CC,{PLACE},L,y\r\n",
}

VINDR = (
    "study_id,series_id,laterality,view_position,image_id,height,width,breast_birads,breast_density,split\n"
    "aa11bb22,cc33dd44,L,CC,ee55ff66,3518,2800,BI-RADS 2,DENSITY C,training\n"
)
RSNA = (
    "site_id,patient_id,image_id,laterality,view,age,cancer,biopsy,invasive,BIRADS,implant,density,machine_id,"
    "difficult_negative_case\n"
    "2,90001,1000000001,L,CC,61.0,0,0,0,,0,,29,False\n"
)
CBIS_HEAD = (
    "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,"
    "mass margins,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path\n"
)
CBIS = CBIS_HEAD + (
    "P_90001,3,LEFT,CC,1,mass,OVAL,CIRCUMSCRIBED,4,BENIGN,4,Mass-Training_P_90001_LEFT_CC/1.2.3/1.2.4/000000.dcm,"
    '"Mass-Training_P_90001_LEFT_CC_1/1.2.5/1.2.6/000001.dcm\n","Mass-Training_P_90001_LEFT_CC_1/1.2.5/1.2.6/'
    '000000.dcm\n"\n'
)
CMMD_HEAD = ("ID1", "LeftRight", "Age", "number", "abnormality", "classification", "subtype")
CMMD = f"{','.join(CMMD_HEAD)}\nD1-9001,L,58,2,mass,Malignant,Luminal A\n"
INBREAST = (
    "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads;Mass ;Micros;Distortion;"
    "Asymmetry;Findings Notes (in Portuguese);Lesion Annotation Status;Pectoral Muscle Annotation;"
    "Other Annotations\n"
    "removed;removed;R;CC;201001;90000001;4;4;;X;;;;;;\n"
)
EMBED = (
    ",empi_anon,acc_anon,study_date_anon,StudyDescription,SeriesDescription,FinalImageType,ImageLateralityFinal,"
    "ViewPosition,spot_mag,ROI_coords,num_roi,SRC_DST,match_level,anon_dicom_path\n"
    "0,90000001,9000000000000001,2013-01-01,MG Screening Bilateral,L CC,2D,L,CC,,(),0,[],[],"
    "/mnt/NAS2/mammo/anon_dicom/cohort_1/90000001/9000000000000001/1.2.3/1.2.4.dcm\n"
)
MIAS = (
    "REFNUM BG CLASS SEVERITY X Y RADIUS \n"
    "\nmdb901 G CIRC B 535 425 197\nmdb902 G CIRC B 522 280 69\nmdb903 D NORM\n"
)


def workbook() -> bytes:
    """The table of CMMD as it is published: a workbook."""
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in CMMD_HEAD)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><row>{cells}</row></worksheet>")
    return buffer.getvalue()


# name of the file, its content, and the columns of which it must say that they are missing
TABLES = {
    "VinDr-Mammo": ("breast-level_annotations.csv", VINDR, {"File Path", "Age", "Cancer"}),
    "RSNA": ("train.csv", RSNA, {"File Path"}),
    "CBIS-DDSM": (
        "mass_case_description_train_set.csv",
        CBIS,
        {"File Path", "Image Laterality", "Age", "Cancer"},
    ),
    "CMMD as CSV": (
        "CMMD_clinicaldata_revision.csv",
        CMMD,
        {"File Path", "Image Laterality", "View Position", "Cancer"},
    ),
    "INbreast": ("INbreast.csv", INBREAST, {"Cancer"}),
    "EMBED": (
        "EMBED_OpenData_metadata.csv",
        EMBED,
        {"File Path", "Image Laterality", "Age", "Cancer"},
    ),
    "mini-MIAS": (
        "Info.txt",
        MIAS,
        {"File Path", "Image Laterality", "View Position", "Age", "Cancer"},
    ),
}
COLUMNS = {"File Path", "Image Laterality", "View Position", "Age", "Cancer"}


@pytest.mark.parametrize("form", NLBS)
def test_nlbs_is_read_in_five_forms(form: str, tmp_path: Path) -> None:
    (tmp_path / "NLBSP-metadata.csv").write_text(NLBS[form], newline="")
    (row,) = read_rows(tmp_path / "NLBSP-metadata.csv")
    assert (row.patient, row.laterality, row.view, row.age) == (EXAM, "L", "CC", 58.0)
    assert (row.cancer, row.false_positive, row.reasons) == (
        False,
        None if form == "shuffled" and row.false_positive is None else False,
        (),
    )


def said_of(name: str, content: str | bytes, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        a_reader(folder, folder, metadata=name).prepare(folder / "cache", SILENT)
    assert not (folder / "cache").exists()
    return str(caught.value)


@pytest.mark.parametrize("collection", TABLES)
def test_other_collections_end_in_what_is_missing(collection: str, tmp_path: Path) -> None:
    name, content, missing = TABLES[collection]
    text = said_of(name, content, tmp_path / "data")
    assert f"the table {name} cannot be used" in text
    assert {column for column in COLUMNS if f"no column {column!r}" in text} == missing
    for cell in ("90001", "9001", "90000001", "aa11bb22", "mdb901", "removed", "1.2.3"):
        assert cell not in text


def test_near_columns_are_named_and_far_ones_are_not(tmp_path: Path) -> None:
    text = said_of("cbis.csv", CBIS, tmp_path / "cbis")
    assert "no column 'File Path'; did you mean 'image file path'?" in text
    for name, content, _ in TABLES.values():
        said = said_of(name, content, tmp_path / name)
        assert "did you mean 'image_id'" not in said and "did you mean 'machine_id'" not in said


def test_a_workbook_is_called_one(tmp_path: Path) -> None:
    text = said_of("CMMD_clinicaldata_revision.xlsx", workbook(), tmp_path / "data")
    assert "workbook" in text and "save it as CSV in UTF-8" in text


def test_a_table_without_separators_says_so(tmp_path: Path) -> None:
    assert "one cell" in said_of("Info.txt", MIAS, tmp_path / "data")


def test_line_breaks_within_quotes_are_legal(tmp_path: Path) -> None:
    """With the columns that are missing, the published rows of CBIS-DDSM are read."""
    rows = list(csv.reader(io.StringIO(CBIS)))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([*rows[0][:3], "laterality", *rows[0][3:-3], "path", *rows[0][-2:], "age", "cancer"])
    table.writerow([*rows[1][:3], "LEFT", *rows[1][3:-3], rows[1][-3], *rows[1][-2:], "58", "0"])
    (tmp_path / "table.csv").write_text(text.getvalue(), newline="")
    (row,) = read_rows(tmp_path / "table.csv")
    assert (row.named, row.laterality, row.view, row.age, row.reasons) == ("P_90001", "L", "CC", 58.0, ())
    assert row.path == Path("Mass-Training_P_90001_LEFT_CC/1.2.3/1.2.4/000000.dcm")
