"""Find the images most like one: ``python search.py --query img.jpg``."""

from cbir.cli import run_search

if __name__ == "__main__":
    run_search()
