"""Eight-bit integers through nncf, OpenVINO's quantizer, on ONNX: QDQ form, as int8-static writes.

nncf reads and writes ONNX itself, so any runtime takes the artifact; what it places is meant for
OpenVINO. Needs nncf.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchhub.compress.files.plain_graph import plain
from benchhub.compress.graphs.opset import opset_of, raised
from benchhub.compress.graphs.quantized import quantizing_nodes, refuse_half, refuse_quantized
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.attempts import CHANNELS_OPSET, nothing, simplified
from benchhub.compress.recipes.converters import converter_errors, in_one_line
from benchhub.compress.recipes.int8 import calibration_calls
from benchhub.compress.recipes.quiet import quiet_natively
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings

#: What nncf reads.
_LEAST_OPSET = 10
#: performance: symmetric activations; mixed: asymmetric ones, which suit what is not a ReLU.
PRESETS = ("performance", "mixed")


def make_int8_nncf(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with int8 weights and activations to `output`, as nncf places them.

    Batch normalisations are folded first: onnxruntime does not do so behind a QuantizeLinear.
    Options: `calibration_cases` (64), `preset` (performance; mixed), `bias_correction` (false;
    true: nncf's fast one over the calibration cases, which did harm where it was tried: relative
    error .46 instead of .12 on the quickstart's classifier).
    """
    cases = [dict(feeds) for feeds in calibration_calls(options, ingredients)]
    with quiet_natively(), tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        import nncf
        import nncf.errors
        import onnx

        # its errors share no base but Exception
        problems = tuple(
            kind
            for kind in vars(nncf.errors).values()
            if isinstance(kind, type) and issubclass(kind, Exception)
        )
        assert source is not None  # the table says that it reads ONNX
        model = plain(onnx.load(str(source)))
        refuse_quantized(model)
        before = opset_of(model)
        if before < _LEAST_OPSET:
            higher, cause = raised(model, CHANNELS_OPSET, ingredients.tried, Path(scratch))
            if higher is None:
                raise ConfigError(cause)
            model = higher
        try:
            quantized = nncf.quantize(
                simplified(model, Path(scratch)),
                nncf.Dataset(cases),
                preset=nncf.QuantizationPreset(options["preset"]),
                subset_size=len(cases),
                fast_bias_correction=True,
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    disable_bias_correction=not options["bias_correction"]
                ),
            )
        except (*problems, *converter_errors()) as error:
            refuse_half(model)  # a plainer cause than what nncf says of it
            if not isinstance(error, problems):
                raise
            raise ConfigError(f"nncf cannot quantize {source}: {in_one_line(error)}") from error
        if not quantizing_nodes(quantized):
            raise ConfigError(nothing(model))
        onnx.save(quantized, str(output))
    if opset_of(model) == before:
        return {}
    return {"told": f"opset {before} was converted to {opset_of(model)}: nncf needs {_LEAST_OPSET}"}
