// `node bench/gpu/run.mjs [options]`: the GPU benchmark alone, as `npm run bench -- --gpu`.

process.argv.splice(2, 0, '--gpu');
await import('../run.mjs');
