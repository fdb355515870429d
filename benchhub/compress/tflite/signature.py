"""The signature of a TFLite file, by whose names a quantizer calibrates. Needs ai-edge-litert."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema

from benchhub.compress.tflite.graph import read_graph
from benchhub.compress.tflite.tree import packed, read_tree

_KEY = "serving_default"


def signed(model: bytes) -> tuple[bytes, str]:
    """Return a file with a signature, and the signature's key; one that has one stays.

    Older converters write none: inputs and outputs get the names that they go by without one.
    """
    tree = read_tree(model)
    keys = [one.signatureKey.decode() for one in tree.signatureDefs or ()]
    if keys:
        return model, _KEY if _KEY in keys else keys[0]
    graph = read_graph(model)
    inputs, outputs = (
        [schema.TensorMapT(name=name, tensorIndex=index) for name, index in side]
        for side in (graph.inputs, graph.outputs)
    )
    tree.signatureDefs = [schema.SignatureDefT(inputs=inputs, outputs=outputs, signatureKey=_KEY)]
    return packed(tree, len(model)), _KEY
