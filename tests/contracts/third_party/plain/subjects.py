"""What the contract suite runs of this project."""

from subjects import Subject, build_tiny_model

SUBJECTS = (
    Subject(
        "plain",
        build_tiny_model,
        provider=("numpy",),
        options=({"convolution": "windows"},),
        threads=(1,),
    ),
)
