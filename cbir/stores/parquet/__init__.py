"""The index that is a Parquet file, by pyarrow."""
