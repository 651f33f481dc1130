"""Runs spread over the workers of a Dask cluster; needs the extra `dask`."""
