"""Index a folder of pictures: ``python index.py --dataset data``."""

from cbir.cli import run_index

if __name__ == "__main__":
    run_index()
