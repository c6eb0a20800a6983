"""Many videos, tracked from a table of clicks with nobody watching, on one machine or on many."""
