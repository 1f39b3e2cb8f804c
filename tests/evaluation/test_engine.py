"""Models over folders of images, and the records that come of it."""

import json
import math
from pathlib import Path

import pytest
import torch

from latentpress import zoo
from latentpress.errors import ConfigurationError, ImageError
from latentpress.evaluation import (
    Measurement,
    Point,
    curve_record,
    evaluate,
    evaluate_model,
    find_images,
    measure,
    plan_subjects,
    read_image,
    to_json,
    write_record,
)
from latentpress.evaluation.images import ImageFile


def untimed(points: list[Point]) -> list[dict[str, dict[str, float | None]]]:
    return [
        {
            image.source: {key: value for key, value in found.values.items() if "time" not in key}
            for image, found in point.measurements.items()
        }
        for point in points
    ]


def test_each_image_is_measured_and_broken_ones_are_named(folder: Path, fixed_rate: Path) -> None:
    seen = []
    (point,) = evaluate(
        plan_subjects("mbt2018-mean", checkpoints=[fixed_rate]),
        find_images([folder]),
        on_image=lambda image, outcome: seen.append((image.source, type(outcome))),
    )
    assert [image.source for image in point.measurements] == ["a", "b/c"]
    assert [image.source for image in point.skipped] == ["d"]
    assert seen == [("a", Measurement), ("b/c", Measurement), ("d", ImageError)]
    expected = measure(zoo.load_checkpoint(fixed_rate), read_image(folder / "a.png")).values
    assert untimed([point])[0]["a"] == {k: v for k, v in expected.items() if "time" not in k}


def test_several_processes_measure_the_same(folder: Path, gained: Path) -> None:
    subjects = plan_subjects(checkpoints=[gained], qualities=[1, 100])
    images = find_images([folder])
    alone, together = (evaluate(subjects, images, processes=n) for n in (1, 2))
    assert [point.label for point in together] == [subject.label for subject in subjects]
    assert [list(point.measurements) for point in together] == [list(p.measurements) for p in alone]
    for one, other in zip(untimed(alone), untimed(together), strict=True):
        for source, values in one.items():
            assert other[source]["bpp"] == values["bpp"]
            assert other[source]["psnr-rgb"] == pytest.approx(values["psnr-rgb"], abs=1e-3)


def test_a_checkpoint_written_anew_is_read_anew(folder: Path, tmp_path: Path) -> None:
    from latentpress.models import MeanScaleHyperprior

    path, found = tmp_path / "net.pth", []
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch.save(MeanScaleHyperprior(8, 12).state_dict(), path)
        found += untimed(
            evaluate(plan_subjects("mbt2018-mean", checkpoints=[path]), find_images([folder / "a.png"]))
        )
    assert found[0] != found[1]


def test_a_model_in_memory_is_measured_the_same(folder: Path, fixed_rate: Path) -> None:
    images = find_images([folder])
    point = evaluate_model(zoo.load_checkpoint(fixed_rate), images, label="mine")
    assert point.label == "mine"
    assert untimed([point]) == untimed(
        evaluate(plan_subjects("mbt2018-mean", checkpoints=[fixed_rate]), images)
    )
    assert [image.source for image in point.skipped] == ["d"]


def test_estimates_are_near_real_coding(folder: Path, fixed_rate: Path) -> None:
    subjects = plan_subjects("mbt2018-mean", checkpoints=[fixed_rate])
    images = find_images([folder / "b"])
    (real,), (estimated,) = (evaluate(subjects, images, entropy_estimation=e) for e in (False, True))
    state = 8 * 8 / (170 * 165)  # what a string takes beside its symbols
    assert 0 < estimated.means()["bpp"] < real.means()["bpp"] < estimated.means()["bpp"] + 3 * state
    assert real.means()["psnr-rgb"] == pytest.approx(estimated.means()["psnr-rgb"], abs=1e-3)
    assert "encoding_time" not in estimated.means()


def test_estimates_take_the_rate_of_a_variable_rate_model(folder: Path, gained: Path) -> None:
    subjects = plan_subjects(checkpoints=[gained], qualities=[1, 100])
    low, high = evaluate(subjects, find_images([folder / "a.png"]), entropy_estimation=True)
    assert low.means()["bpp"] != high.means()["bpp"]
    assert (
        low.means() == evaluate(subjects, find_images([folder / "a.png"]), entropy_estimation=True)[0].means()
    )


def test_a_model_at_fault_ends_the_work(folder: Path, gained: Path) -> None:
    subjects = plan_subjects(checkpoints=[gained], qualities=[1000])
    with pytest.raises(ConfigurationError, match="1000"):
        evaluate(subjects, find_images([folder]))


def test_no_readable_image_is_an_error(folder: Path, fixed_rate: Path) -> None:
    with pytest.raises(ImageError, match=r"d\.png"):
        evaluate(plan_subjects("mbt2018-mean", checkpoints=[fixed_rate]), find_images([folder / "d.png"]))
    with pytest.raises(ImageError, match="none were given"):
        evaluate(plan_subjects("mbt2018-mean", checkpoints=[fixed_rate]), [])


def example_point() -> Point:
    images = [ImageFile(Path(f"{name}.png"), name) for name in "abc"]
    measurements = {
        images[0]: Measurement(
            {"bpp": 1.0, "psnr-rgb": 30.0, "ms-ssim-rgb": None}, ("ms-ssim-rgb is null: x",)
        ),
        images[1]: Measurement({"bpp": 2.0, "psnr-rgb": 40.0, "ms-ssim-rgb": 0.5}),
    }
    return Point("quality 1", measurements, {images[2]: "broken"})


def test_means_are_over_the_images_that_have_the_value() -> None:
    assert example_point().means() == {"bpp": 1.5, "psnr-rgb": 35, "ms-ssim-rgb": 0.5}


def test_a_curve_is_lists_of_means_by_value() -> None:
    record = curve_record("net", "how", [example_point(), example_point()], per_image=True)
    assert (record["name"], record["description"]) == ("net", "how")
    assert record["results"] == {
        "bpp": [1.5, 1.5],
        "psnr-rgb": [35, 35],
        "ms-ssim-rgb": [0.5, 0.5],
        "psnr": [35, 35],
        "ms-ssim": [0.5, 0.5],
    }
    assert record["points"] == ["quality 1", "quality 1"]
    assert record["notes"] == ["a: ms-ssim-rgb is null: x"]
    assert record["skipped"] == {"c.png": "broken"}
    assert [(image["source"], image["results"]["psnr"]) for image in record["images"]] == [
        ("a", 30), ("b", 40), ("a", 30), ("b", 40),
    ]  # fmt: skip


def test_a_curve_without_trouble_has_no_list_of_it(tmp_path: Path) -> None:
    point = Point("x", {ImageFile(Path("a"), "a"): Measurement({"bpp": 1.0, "psnr-rgb": None})})
    record = curve_record("net", "how", [point])
    assert set(record) == {"name", "description", "results", "points"}
    write_record(record, tmp_path / "new" / "x.json")
    assert json.loads((tmp_path / "new" / "x.json").read_text()) == record


def test_json_that_no_reader_takes_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"x": math.inf})


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file"):
        write_record({}, tmp_path / "file" / "x.json")
