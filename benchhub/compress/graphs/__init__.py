"""ONNX graphs rewritten: in float16, at a higher opset; and what is quantized in one already."""
