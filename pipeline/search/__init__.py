"""Moments by their meaning: what every sense made of each window, in one table, and queries of any sense."""

from pipeline.search.find import Search
from pipeline.search.index import Index
from pipeline.search.live import LiveIndex

__all__ = ["Index", "LiveIndex", "Search"]
