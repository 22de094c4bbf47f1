// Node 20 has relaxed SIMD behind a flag, which may be set while the process runs; later versions have
// it without. Imported first, before anything asks the engine what it can do.

import { setFlagsFromString } from 'node:v8';

if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
