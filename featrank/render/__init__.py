"""Ways out: one file an output format, all made from the one JSON document."""
