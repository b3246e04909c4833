"""Shadows of experiments: other models asked what was answered already, for figures and for nobody's eyes."""
