"""Mammography: DICOM and picture files to breasts of one scale, and a phantom that draws such files."""
