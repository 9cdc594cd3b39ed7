"""A run: resolve, plan, extract what is missing, score, rank."""
