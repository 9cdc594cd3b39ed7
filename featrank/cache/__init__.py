"""The Parquet feature store: key, atomic write, check, read."""
