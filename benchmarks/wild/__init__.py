"""Public models that nobody here made: measured by benchhub, and beside it by a bare loop each.

`models.toml` says which; `make wild` downloads them, measures all of them on every backend that
reads their format, as they are and by three recipes, and writes the table.
"""
