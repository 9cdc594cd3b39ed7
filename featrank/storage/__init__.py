"""Bytes that must survive, and what may be believed of those that somebody else wrote."""
