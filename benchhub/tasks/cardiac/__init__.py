"""The heart's right ventricle, muscle and left ventricle in MR: a phantom, or a copy of ACDC."""
