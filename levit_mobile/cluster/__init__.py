"""Work spread over other machines by dask.distributed: connection, versions, files by digest, results in order.

The scheduler and the workers are the user's, started as Dask documents it. On a worker, each item runs in a process of
its own (`system.workers`), so that a runtime that aborts does not end the worker.

Door: connect.
"""
