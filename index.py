"""Index a folder of images: ``python index.py --dataset data``."""

from cbir.cli import run_index

if __name__ == "__main__":
    run_index()
