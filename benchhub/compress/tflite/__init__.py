"""TensorFlow Lite files taken apart."""
