"""llama.cpp's server on a port of 127.0.0.1: `llama_serve.py WEIGHTS PORT ALIAS SLOTS`, until it is ended."""

import signal
import sys

import xllamacpp

weights, port, alias, slots = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = weights
params.model_alias = alias
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.n_ctx = 2048
params.n_parallel = int(slots)
# One thread: the tests run beside others.
params.cpuparams.n_threads = 1
params.endpoint_slots = True
# It serves on threads of its own for as long as it is held.
server = xllamacpp.Server(params)
signal.pause()
