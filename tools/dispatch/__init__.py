"""The one door: resolve, permit, validate, run, page, shape, record."""
