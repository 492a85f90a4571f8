"""Turns data into meaning: encoders, fusion, detectors, taggers."""
