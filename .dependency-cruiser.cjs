// Which folder may import which (docs/architecture.md explains why). `.ci/layering.mjs` runs it.
//
// Type-only imports load nothing, so they do not make a cycle: `ir/op.ts` and `ir/emit.ts` name each
// other's types, and neither needs the other at run time. They do count for the direction of
// imports: a type of a higher layer has no place in a lower one. The swc parser does not tell the
// two kinds of import apart, so there are two rule sets: `forbidden` for the sources as they are,
// `erased` for the same sources without types.

/** One folder and what it may reach among the project's own files. */
const layer = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from,
  to: { path: '^(ir|compiler|runtime|frontends|cli|examples|bench|test)/', pathNot: allowed },
});

/** @type {import('dependency-cruiser').IConfiguration & { erased: object[] }} */
module.exports = {
  erased: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other at run time are one module, or lack a third one below both.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  forbidden: [
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing would fail for the user.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    layer('ir-imports-ir', { path: '^ir/' }, ['^ir/'], 'The IR is the bottom: it knows no other part.'),
    layer('compiler-imports-ir', { path: '^compiler/' }, ['^(ir|compiler)/'], 'The compiler knows only the IR.'),
    layer(
      'runtime-imports-plan',
      { path: '^runtime/', pathNot: '^runtime/reference/' },
      ['^runtime/(?!reference/)', '^ir/plan\\.ts$'],
      'Users embed the runtime without the compiler: it sees the plan, and never the reference interpreter.',
    ),
    layer(
      'reference-imports-ir',
      { path: '^runtime/reference/' },
      ['^(ir|runtime)/'],
      'The interpreter defines the ops, so it must share nothing with the compiler.',
    ),
    layer(
      'frontends-import-down',
      { path: '^frontends/' },
      ['^(frontends|compiler|runtime|ir)/'],
      'No front end uses the CLI.',
    ),
    layer(
      'cli-imports-down',
      { path: '^cli/' },
      ['^(cli|frontends|compiler|runtime|ir)/'],
      'The CLI ships; examples, tests and benchmarks do not.',
    ),
    {
      name: 'binaryen-in-one-place',
      comment: 'binaryen is heavy and loaded lazily; one folder knows its API.',
      severity: 'error',
      from: { pathNot: '^compiler/wasm/' },
      to: { path: '(^|/)node_modules/binaryen/' },
    },
    {
      name: 'runtime-stays-small',
      comment: 'What users embed brings no package with it but flatbuffers.',
      severity: 'error',
      from: { path: '^runtime/', pathNot: '^runtime/reference/' },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/flatbuffers/' },
    },
    {
      name: 'ships-with-the-package',
      comment: 'Library code may import only what its users install: optional peers, loaded on use, included.',
      severity: 'error',
      from: { path: '^(ir|compiler|runtime|frontends|cli)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript API that dependency-cruiser could use: swc parses the sources.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
