// What `sinter build` puts beside an artifact: the runtime without what only this package's own tools need of it.

export { type LoadOptions, load, openArtifact } from './load.ts';
