"""How many weights an ONNX file holds: what is one, and how many are not zero."""
