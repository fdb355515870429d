"""TFLite files with float16 weights, and sparse ones: widened without a change, then quantized."""

import numpy as np
import pytest
from ingredients import calibrating
from repository import ROOT

from benchhub.compress.build.cached import build
from benchhub.compress.files.look import inspect_model
from benchhub.compress.tflite.graph import read_graph
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("quantizer")

QUICKSTART = ROOT / "suites" / "quickstart"
IMAGES = np.random.default_rng(5).random((8, 1, 64, 64), np.float32)


@pytest.fixture(scope="module")
def quantizer(native):
    reason = "the extra tflite-quantize is not installed"
    return pytest.importorskip("ai_edge_quantizer", reason=reason)


@pytest.fixture(scope="module")
def half():
    return (QUICKSTART / "chest_xray-fp16.tflite").read_bytes()


def _run(model, images=IMAGES):
    from benchhub.compress.tflite.run import run

    return run(model, images)


def _error(found, wanted):
    from benchhub.compress.tflite.run import relative_error

    return relative_error(found, wanted)


def _kinds(model):
    return {operator.kind for operator in read_graph(model).operators}


def _make(model, folder, recipe, **options):
    path = folder / "given.tflite"
    path.write_bytes(model)
    source = inspect_model("given", path)
    spec = VariantSpec("made", source="given", recipe=Recipe(recipe, options))
    (name,) = [one.name for one in source.inputs]
    feeds = calibrating(lambda count: {name: IMAGES[:count]})
    return build(spec, source, feeds, folder)


def test_float16_weights_are_widened_without_a_change(half):
    from benchhub.compress.tflite.widened import widen

    wide = widen(half)
    before, after = read_graph(half), read_graph(wide.model)
    assert np.array_equal(_run(wide.model), _run(half))
    assert (after.inputs[0][0], after.outputs[0][0]) == (before.inputs[0][0], before.outputs[0][0])
    halves = [one for one in before.tensors if one.dtype == "float16"]
    kinds = [operator.kind for operator in before.operators]
    assert kinds.count("DEQUANTIZE") == len(halves) > 0
    assert "DEQUANTIZE" not in _kinds(wide.model)
    assert wide[1:] == (len(halves), 0)
    assert not [one for one in after.tensors if one.dtype == "float16"]
    assert len(after.tensors) == len(before.tensors) - len(halves)
    wanted = [np.frombuffer(one.content, np.float16).astype(np.float32) for one in halves]
    held = [np.frombuffer(one.content, np.float32) for one in after.tensors if one.content]
    assert all(any(np.array_equal(one, other) for other in held) for one in wanted)


@pytest.mark.parametrize("name", ["chest_xray-fp32", "chest_xray-int8", "chest_xray-int8-dynamic"])
def test_a_file_without_float16_is_left_as_it_is(name):
    from benchhub.compress.tflite.widened import widen

    given = (QUICKSTART / f"{name}.tflite").read_bytes()
    assert widen(given) == (given, 0, 0)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("recipe", "options", "most"),
    [("tflite-int8-dynamic", {}, 0.1), ("tflite-int8", {"calibration_cases": 8}, 0.25)],
)
def test_int8_is_made_of_float16_and_said_so(recipe, options, most, half, tmp_path):
    made = _make(half, tmp_path, recipe, **options)
    assert made.model_bytes < 0.6 * len(half)
    assert 0 < _error(_run(made.path.read_bytes()), _run(half)) < most
    assert made.inputs[0].shape == (None, 1, 64, 64)
    count = sum(one.dtype == "float16" for one in read_graph(half).tensors)
    told = f"quantized from float16 weights, widened to float32 ({count} tensors)"
    assert made.provenance["widened_tensors"] == str(count)
    assert made.provenance["told"] == told
    assert "densified_tensors" not in made.provenance


def _changed(model, change):
    from benchhub.compress.tflite.tree import packed, read_tree

    tree = read_tree(model)
    change(tree, tree.subgraphs[0])
    return packed(tree, len(model))


def _answers_a_weight(tree, graph):
    """Make an output of what the first DEQUANTIZE gives: it has to stay."""
    index = next(i for i, one in enumerate(graph.tensors) if one.type == 1)
    (operator,) = [one for one in graph.operators if index in one.inputs]
    graph.outputs = [*graph.outputs, operator.outputs[0]]
    tree.signatureDefs = None


def test_what_stays_float16_is_refused(half, tmp_path):
    with pytest.raises(ConfigError, match=r"is float16 already \(\d+ tensors of float16 weights"):
        _make(half, tmp_path, "tflite-fp16")
    odd = _changed(half, _answers_a_weight)
    with pytest.raises(ConfigError, match=r"is float16 already \(1 tensors of float16 weights\)"):
        _make(odd, tmp_path, "tflite-int8-dynamic")


def _sparse(array, order, blocks, packed_level):
    """Return values and `SparsityParametersT` of an array of which one level is compressed.

    `blocks` are (axis, size). An encoder of its own: levels are axes of one reshaped array.
    """
    import ai_edge_litert.schema_py_generated as schema

    sizes, inner, split = list(array.shape), [], []
    for axis, size in blocks:
        sizes[axis] //= size
        inner.append(size)
    for axis in range(array.ndim):
        split.append(sizes[axis])
        split += [size for of, size in blocks if of == axis]
    where, place = {}, 0
    for axis in range(array.ndim):
        where[axis] = place
        place += 1
        for number, (of, _) in enumerate(blocks):
            if of == axis:
                where[array.ndim + number] = place
                place += 1
    levels = array.reshape(split).transpose([where[level] for level in order])
    depth = order.index(packed_level)
    rows = levels.reshape(int(np.prod(levels.shape[:depth])), levels.shape[depth], -1)
    filled = (rows != 0).any(axis=2)
    vector = schema.Int32VectorT(values=np.cumsum([0, *filled.sum(axis=1)]).astype(np.int32))
    indices = schema.Uint8VectorT(values=np.nonzero(filled)[1].astype(np.uint8))
    metadata = [
        schema.DimensionMetadataT(format=1, arraySegmentsType=1, arraySegments=vector)
        if level == packed_level
        else schema.DimensionMetadataT(denseSize=size)
        for level, size in zip(order, levels.shape, strict=True)
    ]
    metadata[depth].arrayIndicesType, metadata[depth].arrayIndices = 3, indices
    block_map = np.array([axis for axis, _ in blocks], np.int32) if blocks else None
    sparsity = schema.SparsityParametersT(np.array(order, np.int32), block_map, metadata)
    return rows[filled].ravel(), sparsity


LAYOUTS = [
    ([0, 1, 2, 3], [], 3),
    ([0, 1, 2, 3], [], 0),
    ([3, 0, 2, 1], [], 2),
    ([0, 1, 2, 3, 4], [(3, 4)], 3),
    ([0, 3, 1, 2, 4, 5], [(0, 2), (3, 4)], 2),
]


@pytest.mark.parametrize(("order", "blocks", "packed_level"), LAYOUTS)
def test_sparse_tensors_made_dense(order, blocks, packed_level):
    from benchhub.compress.tflite.sparse import dense

    generator = np.random.default_rng(3)
    array = generator.normal(size=(6, 3, 2, 8)).astype(np.float16)
    array[generator.random((6, 3, 2, 8)) < 0.95] = 0
    values, sparsity = _sparse(array, order, blocks, packed_level)
    assert len(values) < array.size or packed_level == 0
    assert np.array_equal(dense(values, array.shape, sparsity), array)
    with pytest.raises(ValueError, match="values or places that are not there"):
        dense(values[:-1], array.shape, sparsity)


def _made_sparse(layout):
    """Return a change: the largest float16 weight loses 80% of its values, and is stored sparse."""

    def change(tree, graph):
        import ai_edge_litert.schema_py_generated as schema

        from benchhub.compress.tflite.tree import Aligned

        halves = [one for one in graph.tensors if one.type == 1 and len(one.shape) == 4]
        tensor = max(halves, key=lambda one: np.prod(one.shape))
        array = tree.buffers[tensor.buffer].data.view(np.float16).reshape(tensor.shape).copy()
        array[np.random.default_rng(4).random(array.shape) < 0.8] = 0
        values, tensor.sparsity = _sparse(array, *layout)
        tree.buffers.append(Aligned(values.view(np.uint8)))
        tensor.buffer = len(tree.buffers) - 1
        index = graph.tensors.index(tensor)
        (reader,) = [one for one in graph.operators if index in one.inputs]
        graph.tensors.append(schema.TensorT(shape=tensor.shape, type=1, name="whole"))
        tree.operatorCodes.append(schema.OperatorCodeT(124, None, 1, 124))
        reader.inputs = [len(graph.tensors) - 1]
        densify = schema.OperatorT(len(tree.operatorCodes) - 1, [index], reader.inputs)
        graph.operators.insert(0, densify)

    return change


@pytest.mark.usefixtures("processes")
def test_sparse_float16_weights_answer_as_in_the_interpreter(half, tmp_path):
    from benchhub.compress.tflite.widened import widen

    for layout in (LAYOUTS[0], LAYOUTS[3]):
        given = _changed(half, _made_sparse(layout))
        wide = widen(given)
        assert not {"DENSIFY", "DEQUANTIZE"} & _kinds(wide.model)
        assert "DENSIFY" in _kinds(given)
        assert wide.sparse == 1
        wanted = _run(given)
        assert not np.array_equal(wanted, _run(half))
        assert np.abs(_run(wide.model) - wanted).max() <= 1e-6 * wanted.std()
    made = _make(given, tmp_path, "tflite-int8-dynamic")
    assert made.provenance["densified_tensors"] == "1"
    assert made.provenance["told"].endswith("; sparse weights made dense (1 tensors)")
    assert 0 < _error(_run(made.path.read_bytes()), wanted) < 0.1


def test_a_file_without_a_signature_is_calibrated_by_its_tensors_names(half):
    from benchhub.compress.tflite.batch import close_batch
    from benchhub.compress.tflite.schemes import quantize
    from benchhub.compress.tflite.widened import widen

    def strip(tree, graph):
        tree.signatureDefs = None
        graph.tensors[graph.inputs[0]].name = "serving_default_picture:0"

    signed = close_batch(widen(half).model)
    ((name, _),) = read_graph(signed).inputs
    bare = _changed(signed, strip)
    wanted = quantize(signed, "int8", [{name: IMAGES[:1]}])
    found = quantize(bare, "int8", [{"picture": IMAGES[:1]}])
    assert read_graph(found).inputs[0][0] == "picture"
    assert np.array_equal(_run(found, IMAGES[:1]), _run(wanted, IMAGES[:1]))


def test_a_file_of_which_nothing_was_quantized_is_not_a_variant(tmp_path):
    """Operators that no scheme takes leave the file without an int8 weight."""

    def unknown(tree, graph):
        for code in tree.operatorCodes:
            code.builtinCode, code.deprecatedBuiltinCode = 32, 32
            code.customCode = "of_nobody"

    given = (QUICKSTART / "chest_xray-fp32.tflite").read_bytes()
    with pytest.raises(
        ConfigError, match="nothing in it can be quantized: its operators are of_nobody;"
    ):
        _make(_changed(given, unknown), tmp_path, "tflite-int8-dynamic")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("recipe", ["tflite-fp16", "tflite-int8-dynamic"])
def test_files_of_the_older_schema_are_quantized_alike(recipe, tmp_path):
    def older(tree, graph):
        for code in tree.operatorCodes:
            code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0

    given = (QUICKSTART / "chest_xray-fp32.tflite").read_bytes()
    made = _make(_changed(given, older), tmp_path, recipe).path.read_bytes()
    wanted = (QUICKSTART / f"chest_xray-{recipe.removeprefix('tflite-')}.tflite").read_bytes()
    assert len(made) == pytest.approx(len(wanted), rel=0.01)
    assert np.array_equal(_run(made), _run(wanted))


def test_a_reshape_whose_sizes_are_options_is_not_closed_and_two_graphs_are_told(tmp_path):
    import ai_edge_litert.schema_py_generated as schema

    from benchhub.compress.tflite.batch import is_closable
    from benchhub.compress.tflite.tree import kind_of

    given = (QUICKSTART / "chest_xray-fp32.tflite").read_bytes()

    def bare(tree, graph):
        kinds = [kind_of(tree, one) for one in graph.operators]
        assert schema.BuiltinOperator.RESHAPE in kinds
        for operator, kind in zip(graph.operators, kinds, strict=True):
            if kind == schema.BuiltinOperator.RESHAPE:
                operator.inputs = operator.inputs[:1]

    assert is_closable(given)
    assert not is_closable(_changed(given, bare))
    two = _changed(given, lambda tree, graph: tree.subgraphs.append(graph))
    with pytest.raises(ConfigError, match="it has 2 graphs, of branches, loops or several"):
        _make(two, tmp_path, "tflite-int8-dynamic")
