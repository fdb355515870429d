"""A runtime's message keeps what names its cause, and loses the places in its source."""

from __future__ import annotations

import pytest

from benchhub.ondevice.cause import MOST_CHARS, cause

#: As ONNX Runtime 1.31 writes it, of a dynamic int8 product of four dimensions.
ZERO_POINT = (
    "Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running"
    " DynamicQuantizeMatMul node. Name:'' Status Message: /onnxruntime_src/onnxruntime/contrib_ops/"
    "cpu/quantization/dynamic_quantize_matmul.cc:97 onnxruntime::common::Status onnxruntime::"
    "contrib::MatMulIntegerToFloatBase::ComputeCommon(onnxruntime::OpKernelContext*,"
    " const uint8_t*, const onnxruntime::TensorShape&, float, bool) const"
    " IsBQuantParamSupported(b_zp->Shape(), b_tensor ? b_tensor->Shape() : b_shape_) was false."
    " MatmulInteger : b zero point is not valid"
)


def test_signatures_and_folders_go_and_the_cause_stays():
    told = cause(ZERO_POINT + "\n")
    assert told.endswith("MatmulInteger : b zero point is not valid")
    assert "dynamic_quantize_matmul.cc:97: IsBQuantParamSupported(b_zp->Shape()," in told
    assert "onnxruntime::" not in told
    assert "/onnxruntime_src" not in told
    assert told.startswith("Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain words", "plain words"),
        ("two\n  lines\tand more ", "two lines and more"),
        ("", ""),
        ("src/core/src/node.cpp:12 shapes differ", "node.cpp:12 shapes differ"),
        ("a/b.cc:1 void n::F<int(char)>::operator()(int, X<float>) const [with T = int] no",
         "b.cc:1: no"),
        ("a/b.cc:1 int n::f(never closed", "b.cc:1 int n::f(never closed"),
        ("a/b.cc:1 int n::f(int) one; /c/d.h:2 bool m::g() two", "b.cc:1: one; d.h:2: two"),
        ("cannot open /home/me/model.onnx: no such file",
         "cannot open /home/me/model.onnx: no such file"),
        ("ratio 3/4.h:1x is kept", "ratio 3/4.h:1x is kept"),
    ],
)  # fmt: skip
def test_each_kind_of_message(text, said):
    assert cause(text) == said


@pytest.mark.parametrize("length", [MOST_CHARS - 1, MOST_CHARS, MOST_CHARS + 1, 300_000])
def test_long_messages_lose_their_middle_only(length):
    text = ("begins here " + "x" * length)[: length - 9] + " ends here"[-9:]
    told = cause(text)
    assert len(told) <= MOST_CHARS
    assert told.startswith("begins here")
    assert told.endswith("ends here")
    assert (told == text) is (length <= MOST_CHARS)
