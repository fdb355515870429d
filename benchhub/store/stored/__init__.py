"""What the store keeps as JSON, apart from the model's types, with a version each.

A key that came later and has a value for older records is added with that value. A key that was
renamed or means something else makes a new version: the old one stays here, and is read into the
model's types for ever. Records of version 1 carry no number.
"""
