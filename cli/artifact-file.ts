// An artifact on the disk, with what tools want to know of it.

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArgumentError } from '../ir/errors.ts';
import type { PlanInfo } from '../ir/plan.ts';
import { type Artifact, openArtifact } from '../runtime/artifact/load.ts';

/** What an artifact says of a function to tools. */
export interface Details {
  readonly graph: string;
  readonly info: PlanInfo;
}

/** The artifact of a file, all of its parts checked, and the file's bytes. */
export async function artifactOf(file: string): Promise<{ artifact: Artifact; bytes: number }> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile())
    throw new ArgumentError(`there is no file '${file}'`, {
      op: 'artifact',
      fix: 'give the .sinter file that sinter build wrote',
    });
  const bytes = new Uint8Array(await readFile(file));
  const artifact = await openArtifact(bytes, { shard: (name) => join(dirname(file), name) });
  return { artifact, bytes: bytes.length };
}

/** The details of a function, where the artifact has them. */
export function detailsOf(a: Artifact, name: string): Details | undefined {
  const f = a.header.functions.find((x) => x.name === name);
  if (!f || f.details >= a.header.blobs.length) return undefined;
  try {
    const details = JSON.parse(new TextDecoder().decode(a.blob(f.details))) as Details | null;
    return typeof details?.graph === 'string' && details.info ? details : undefined;
  } catch {
    return undefined;
  }
}

/** The function of that name, or the only one. */
export function functionOf<T extends { readonly name: string }>(list: readonly T[], name: string | undefined): T {
  const names = list.map((f) => f.name).join(', ');
  const found = name === undefined ? (list.length === 1 ? list[0] : undefined) : list.find((f) => f.name === name);
  if (!found)
    throw new ArgumentError(
      name === undefined ? `the artifact has several functions: ${names}` : `there is no function '${name}'`,
      {
        op: 'artifact',
        fix: `choose one: --function ${list[0]?.name ?? ''}${name === undefined ? '' : ` (there are ${names})`}`,
      },
    );
  return found;
}
