"""Multi-frame DICOM: the real clip that pydicom ships, and a written one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from napari_lazyvos.errors import LazyVosError
from napari_lazyvos.video import open_video
from napari_lazyvos.video.samples import echocardiogram


def write(path: Path, frames: np.ndarray, **elements: object) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    header = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    header.NumberOfFrames, header.Rows, header.Columns = frames.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 1
    for name, value in elements.items():
        setattr(header, name, value)
    header.PixelData = frames.astype("<i2").tobytes()
    header.save_as(path)
    return path


def test_real_ultrasound_clip_becomes_rgb() -> None:
    with open_video(echocardiogram()) as video:
        assert (video.frames, video.height, video.width) == (30, 240, 320)
        assert video.source.rgb
        expected = pydicom.dcmread(echocardiogram()).pixel_array
        for t in (29, 0, 13):
            np.testing.assert_array_equal(video.raw(t), np.moveaxis(expected[t], -1, 0))
        # the sector is grey: if YBR were taken for RGB, it would be green
        red, green, blue = video.frame(0)[:, 60:160, 100:220]
        assert abs(red - green).mean() < 0.03
        assert abs(red - blue).mean() < 0.03
        assert video.scale.t == pytest.approx(1 / 30, rel=1e-3)
        assert video.scale.time_unit == "second"
        # its regions are those of a larger original, so their spacing is not that of its pixels
        assert video.scale.space_unit == "pixel"


def test_rescaling_spacing_and_frame_time(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(-900, 900, (4, 20, 30))
    path = write(
        tmp_path / "ct.dcm",
        frames,
        RescaleSlope=2,
        RescaleIntercept=-1024,
        PixelSpacing=[0.8, 0.6],
        FrameTime=50,
    )
    with open_video(path) as video:
        np.testing.assert_array_equal(video.raw(2)[0], frames[2] * 2.0 - 1024)
        assert (video.scale.t, video.scale.y, video.scale.x) == (0.05, 0.8, 0.6)
        assert (video.scale.time_unit, video.scale.space_unit) == ("second", "millimeter")


def test_file_without_suffix_is_known_by_its_mark(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(-900, 900, (4, 20, 30))
    with open_video(write(tmp_path / "IM0001", frames)) as video:
        assert video.frames == 4
        assert video.raw(1).dtype == np.int16
        np.testing.assert_array_equal(video.raw(1)[0], frames[1])


def test_one_image_is_no_video(tmp_path: Path) -> None:
    path = write(tmp_path / "one.dcm", np.zeros((1, 20, 30), int))
    with pytest.raises(LazyVosError, match="is one DICOM image, not a video"):
        open_video(path)


def test_text_is_no_dicom(tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("not an image")
    with pytest.raises(LazyVosError, match="cannot be read as DICOM"):
        open_video(tmp_path / "notes.dcm")
