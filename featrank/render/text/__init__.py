"""Text for terminals, pipes and logs: tables, plans, verdicts."""
