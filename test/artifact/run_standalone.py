# Runs a standalone module in Wasmtime: run_standalone.py FILE BATCH ELEMENTS. Prints the first output as JSON.

import json
import struct
import sys

from wasmtime import Engine, Instance, Module, Store

path, batch, elements = sys.argv[1], int(sys.argv[2]), [float(x) for x in sys.argv[3].split(",")]
store = Store(Engine())
exports = Instance(store, Module.from_file(store.engine, path), []).exports(store)


def call(name, *args):
    return exports["sinter_" + name](store, *args)


memory = exports["memory"]
memory.write(store, struct.pack(f"<{len(elements)}f", *elements), call("input_ptr", 0))
assert call("set_batch", batch) == 1
call("run")
# The output's first axis is the batch's.
count = call("output_size", 0) // 4 // call("output_dim", 0, 0) * batch
at = call("output_ptr", 0)
print(json.dumps(struct.unpack(f"<{count}f", bytes(memory.read(store, at, at + 4 * count)))))
