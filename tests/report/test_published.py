"""Published curves are shipped whole, found by name, and say where they come from."""

import csv
from pathlib import Path

import pytest

from latentpress.errors import ConfigurationError
from latentpress.report.published import (
    DATASETS,
    SOURCES,
    codecs,
    find_published,
    load_published,
    reference_of,
)

WITHOUT_NUMBERS_OF_THEIR_OWN = {"vtm-compressai"}  # the same as vtm


def test_every_number_of_the_reference_table_is_shipped(shared: Path) -> None:
    with (shared / "reference" / "rd_curves.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {codec.key: codec.name for codec in codecs()}
    curves = {(curve.name, curve.dataset, curve.metric): curve for curve in load_published()}
    for row in rows:
        for metric, column in (("psnr-rgb", "psnr_rgb_db"), ("ms-ssim-rgb", "ms_ssim")):
            if row[column] and row["codec"] not in WITHOUT_NUMBERS_OF_THEIR_OWN:
                curve = curves[names[row["codec"]], row["dataset"], metric]
                assert (float(row["bpp"]), float(row[column])) in curve.points
                assert curve.source == row["source"]


def test_every_curve_has_a_set_a_source_and_a_reference() -> None:
    for curve in load_published():
        assert curve.dataset in DATASETS
        assert SOURCES[curve.source].startswith("https://")
        assert reference_of(curve.name)


def test_the_classical_codecs_and_two_dozen_models_are_there_on_kodak() -> None:
    assert {curve.name for curve in find_published(["codecs"])} >= {
        "VTM",
        "HM",
        "BPG",
        "AV1",
        "WebP",
        "JPEG",
        "JPEG 2000",
    }
    assert len(find_published(["models"])) >= 24
    assert len(find_published(["all"])) == len(find_published(["codecs", "models"]))


def test_names_are_found_whatever_their_case_and_punctuation_and_by_their_keys() -> None:
    found = find_published(["vtm", "JPEG2000", "bpg_444_x265_ycbcr", "Vtm"])
    assert [curve.name for curve in found] == ["VTM", "JPEG 2000", "BPG"]


def test_an_unknown_name_set_or_metric_is_answered_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"VTM.*found 'nothing'"):
        find_published(["nothing"])
    with pytest.raises(ConfigurationError, match="Kodak"):
        find_published(["ELIC paper"], metric="ms-ssim-rgb")
    with pytest.raises(ConfigurationError, match="kodak"):
        find_published(["VTM"], dataset="faces")
    with pytest.raises(ConfigurationError, match="psnr-rgb"):
        find_published(["VTM"], metric="lpips")
