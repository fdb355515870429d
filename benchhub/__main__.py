"""`python -m benchhub` is `benchhub`."""

from benchhub.cli import main

if __name__ == "__main__":
    main()
