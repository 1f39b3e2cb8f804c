"""Rate-distortion curves as a figure that is ready to print: PNG, PDF or SVG, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentpress.errors import ConfigurationError
from latentpress.report.curves import METRICS
from latentpress.report.results import read_results
from latentpress.report.selection import DrawnCurve, select
from latentpress.report.styles import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".pdf", ".svg")
_MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle": "^",
    "diamond": "D",
    "wedge": "v",
    "plus": "P",
    "cross": "X",
    "star": "*",
}
_LINES: dict[str, Any] = {"solid": "-", "dashed": (0, (5, 2)), "dotted": (0, (1, 1.5))}
_LEGEND_INSIDE = 8  # so many entries fit into the lower right corner, which curves leave empty
_LEGEND_BESIDE = 20  # and so many beside the axes
_LEGEND_COLUMNS = 3  # of what does not, and goes below them
_LEGEND_ROW = 0.165  # inches
_WIDTH, _HEIGHT = 6.4, 4.2  # inches
_PRINT = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,  # outlines that publishers accept and editors can edit
    "svg.fonttype": "none",
    "svg.hashsalt": "latentpress",  # so that the same curves give the same file
}


@dataclass(frozen=True)
class Layout:
    """What a figure looks like beside its curves.

    Attributes:
        title: above the axes; None for none, as papers have captions.
        size: width and height in inches; None for what two columns of a paper take, and higher for a long
            legend.
        axes: least and greatest rate, least and greatest quality; None to fit what was measured.
        log: a logarithmic axis of rates.
        dpi: of PNG files.
    """

    title: str | None = None
    size: tuple[float, float] | None = None
    axes: tuple[float, float, float, float] | None = None
    log: bool = False
    dpi: int = 300


def plot(
    results: Sequence[str | Path],
    metric: str,
    *,
    output: str | Path | None = None,
    window: bool = False,
    published: Sequence[str] | None = None,
    dataset: str = "kodak",
    layout: Layout | None = None,
) -> None:
    """From files of results to a figure in a file, a window, or both.

    Args:
        results: files of the common form, and folders of them.
        metric: one of `curves.METRICS`.
        output: file to write, with one of `SUFFIXES`.
        window: open a window.
        published: names of published curves to draw, too; see `selection.select`.
        dataset: the images that the results were measured on.
        layout: what the figure looks like.

    Raises:
        ConfigurationError: a path, name, suffix or package is missing or unknown.
        DataError: a file is not of the common form.
    """
    layout = layout or Layout()
    if output is not None:
        _check_suffix(Path(output))
    curves = select(read_results(results), published=published, dataset=dataset, metric=metric)
    figure = draw(curves, metric, layout, window=window)
    if output is not None:
        save(figure, output, dpi=layout.dpi)
    if window:
        show()


def draw(
    curves: Sequence[DrawnCurve], metric: str, layout: Layout | None = None, *, window: bool = False
) -> Figure:
    """A figure of these curves; MS-SSIM is drawn in dB.

    Args:
        curves: from `selection.select`, of this metric.
        metric: one of `curves.METRICS`.
        layout: what it looks like.
        window: whether `show` will be called.

    Raises:
        ConfigurationError: there are no points, or matplotlib is not installed.
    """
    layout = layout or Layout()
    if not any(drawn.curve.decibels for drawn in curves):
        raise ConfigurationError(
            f"Expected at least one point with a rate and {METRICS[metric]} to draw, found none."
        )
    matplotlib = _matplotlib()
    with matplotlib.rc_context(_PRINT):
        make = _in_window() if window else matplotlib.figure.Figure
        figure: Figure = make(figsize=layout.size or _size(len(curves)), layout="constrained")
        axes = figure.add_subplot()
        for drawn in reversed(curves):  # what was measured is drawn over what was published
            _draw_curve(axes, drawn)
        axes.set_xlabel("Rate [bits per pixel]")
        axes.set_ylabel(f"{METRICS[metric]} [dB]")
        if layout.title:
            axes.set_title(layout.title)
        if layout.log:
            axes.set_xscale("log", subs=[2, 5])
            for label in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                label("{x:g}")
            axes.tick_params(axis="x", which="both", length=3.5)  # so that all their labels are on a line
        _set_limits(axes, curves, layout)
        _add_legend(figure, axes)
    return figure


def save(figure: Figure, path: str | Path, *, dpi: int = 300) -> None:
    """Write a figure in the format that the suffix names; missing folders are made.

    Raises:
        ConfigurationError: the suffix is none of `SUFFIXES`, or the file cannot be written.
    """
    path = Path(path)
    _check_suffix(path)
    # Without a date, the same curves give the same file.
    undated: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _matplotlib().rc_context(_PRINT):
            figure.savefig(path, dpi=dpi, metadata=undated.get(path.suffix.lower()))
    except OSError as error:
        raise ConfigurationError(f"Expected to write {path}, found: {error.strerror or error}.") from error


def show() -> None:
    """Open a window with the figures drawn for one, and return when it is closed.

    Raises:
        ConfigurationError: there is no display, or no toolkit for windows.
    """
    matplotlib = _matplotlib()
    import matplotlib.pyplot as plt

    if matplotlib.get_backend().lower() == "agg":
        raise ConfigurationError("Expected a display to show the figure on, found none: write it to a file.")
    plt.show()


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"Expected a file name that ends in {', '.join(SUFFIXES)}, found {path}.")


def _draw_curve(axes: Axes, drawn: DrawnCurve) -> None:
    measured = drawn.kind == "result"
    points = drawn.curve.decibels
    axes.plot(
        [bpp for bpp, _ in points],
        [quality for _, quality in points],
        color=COLOURS[drawn.style.colour],
        marker=_MARKERS[drawn.style.marker],
        linestyle=_LINES[drawn.style.dash],
        linewidth=1.8 if measured else 1.1,
        markersize=5 if measured else 3.5,
        markeredgewidth=0,
        label=drawn.curve.name,
    )


def _set_limits(axes: Axes, curves: Sequence[DrawnCurve], layout: Layout) -> None:
    if layout.axes is not None:
        axes.set_xlim(layout.axes[:2])
        axes.set_ylim(layout.axes[2:])
        return
    measured = [drawn for drawn in curves if drawn.kind == "result"] or curves
    # Published curves go on to rates that nobody compares at.
    widest = max(bpp for drawn in measured for bpp, _ in drawn.curve.decibels) * 1.08
    inside = [(bpp, quality) for drawn in curves for bpp, quality in drawn.curve.decibels if bpp <= widest]
    low, high = min(quality for _, quality in inside), max(quality for _, quality in inside)
    margin = 0.05 * (high - low) or 1.0
    axes.set_xlim(0.9 * min(bpp for bpp, _ in inside) if layout.log else 0, widest)
    axes.set_ylim(low - margin, high + margin)


def _add_legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    handles, labels = handles[::-1], labels[::-1]
    if len(labels) <= _LEGEND_INSIDE:
        axes.legend(handles, labels, loc="lower right")
    elif len(labels) <= _LEGEND_BESIDE:
        figure.legend(handles, labels, loc="outside right center")
    else:
        figure.legend(handles, labels, loc="outside lower center", ncols=_LEGEND_COLUMNS)


def _size(entries: int) -> tuple[float, float]:
    rows = -(-entries // _LEGEND_COLUMNS) if entries > _LEGEND_BESIDE else 0
    return _WIDTH, _HEIGHT + rows * _LEGEND_ROW


def _in_window() -> Any:
    import matplotlib.pyplot as plt

    return plt.figure


def _matplotlib() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise ConfigurationError(
            "Expected the package matplotlib to draw with: pip install 'latentpress[report]'."
        ) from error
    return matplotlib
