"""The process that has onnxruntime say of which type and shape a model's outputs are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.compress.trial.apart import serve
from benchhub.outside.foreign.reading import reason


def shaped(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return `outputs` of the model at `path`: type and shape by name; or the `cause` for none.

    A type is as in ONNX, "FLOAT", and open sizes have names. Outputs of which it is not known how
    many axes they have are not among them, nor what is no tensor.
    """
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            asked["path"], options, providers=["CPUExecutionProvider"]
        )
        tensors = (one for one in session.get_outputs() if one.type.startswith("tensor("))
        return {"outputs": {one.name: [one.type[7:-1].upper(), one.shape]
                            for one in tensors if one.shape}}  # fmt: skip
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return {"cause": reason(error)}


if __name__ == "__main__":
    serve(shaped)
