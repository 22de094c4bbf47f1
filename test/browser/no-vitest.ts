// Stands for vitest in pages: what is shared with tests that run there names it, but asks nothing of it.

export const expect = (): never => {
  throw new Error('there is no vitest in a page');
};
