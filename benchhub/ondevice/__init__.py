"""What runs on the device: standard library, numpy, psutil and one backend; Python 3.8 syntax."""
