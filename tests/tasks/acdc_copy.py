"""A tiny copy of ACDC in its true layout; tests spoil it, then open it."""

from __future__ import annotations

import nibabel
import numpy as np

from benchhub.tasks import get_task

INFO = {"ED": "1", "ES": "4", "Group": "NOR", "Height": "184.0", "NbFrame": "30", "Weight": "95.0"}


def write_nifti(path, values, zooms=(1.5, 1.5, 10.0), unit="mm"):
    image = nibabel.Nifti1Image(values, np.diag([*zooms[:3], 1.0]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


def set_header(path, pixdim=None, unit=None):
    """Change a file's header as written, past what nibabel would let through."""
    import gzip

    raw = bytearray(gzip.decompress(path.read_bytes()))
    if pixdim is not None:
        raw[80:92] = np.array(pixdim, dtype="<f4").tobytes()
    if unit is not None:
        raw[123] = unit
    path.write_bytes(gzip.compress(bytes(raw)))


def disc(shape=(24, 20, 2), radius=4):
    """Return an image and its labels: three nested squares about the middle."""
    truth = np.zeros(shape, dtype=np.uint8)
    for label, reach in ((1, radius + 2), (2, radius), (3, radius // 2)):
        x, y = shape[0] // 2, shape[1] // 2
        truth[x - reach : x + reach, y - reach : y + reach] = label
    image = np.random.default_rng(3).integers(0, 60, shape) + 100 * truth.astype(np.int64)
    return image.astype(np.int16), truth


class Copy:
    """Two training patients and one test patient, each with ED (frame 1) and ES (frame 4)."""

    def __init__(self, folder, below=""):
        self.folder, self.root = folder, folder / below
        for shelf, name in (
            ("training", "patient001"),
            ("training", "patient002"),
            ("testing", "patient101"),
        ):
            self.add(shelf, name)

    def patient(self, name):
        return next(self.root.glob(f"*/{name}"))

    def add(self, shelf, name, shape=(24, 20, 2), zooms=(1.5, 1.5, 10.0), info=INFO):
        folder = self.root / shelf / name
        folder.mkdir(parents=True)
        lines = "".join(f"{key}: {value}\n" for key, value in info.items())
        (folder / "Info.cfg").write_text(lines)
        image, truth = disc(shape)
        cine = np.repeat(image[..., None], 3, axis=3)
        write_nifti(folder / f"{name}_4d.nii.gz", cine, zooms)
        for number in (1, 4):
            write_nifti(folder / f"{name}_frame{number:02d}.nii.gz", image, zooms)
            write_nifti(folder / f"{name}_frame{number:02d}_gt.nii.gz", truth, zooms)
        (folder / "MANDATORY_CITATION.md").write_text("Bernard et al., 2018\n")

    def open(self, **settings):
        settings = {"size": 16, "spacing_mm": 1.5, **settings}
        return get_task("cardiac")(settings, self.folder, self.folder, self.folder / "cache")
