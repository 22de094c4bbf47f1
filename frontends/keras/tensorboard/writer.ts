// One event file: events are gathered and added to it in larger pieces.

import { append, joinPath } from '../../files.ts';
import { nodeModule } from '../../platform.ts';
import { fileVersion, graphEvent, summaryEvent } from './events.ts';
import type { Message } from './protobuf.ts';

const op = 'tensorBoard';
/** Bytes that wait at most. */
const enough = 1 << 16;
let files = 0;

/** Writes to a folder's event file, which is made with the first event. */
export class EventWriter {
  readonly #folder: string;
  #file: string | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Adds the summaries of a step. */
  summaries(step: number, values: readonly Message[]): Promise<void> | undefined {
    return values.length ? this.#add(summaryEvent(Date.now() / 1e3, step, values)) : undefined;
  }
  /** Adds a graph. */
  graph(graph: Message): Promise<void> | undefined {
    return this.#add(graphEvent(Date.now() / 1e3, graph));
  }

  #add(event: Uint8Array): Promise<void> | undefined {
    this.#waiting.push(event);
    this.#bytes += event.length;
    return this.#bytes > enough ? this.flush() : undefined;
  }

  /** Brings everything to the file. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const time = Date.now() / 1e3;
    const first = this.#file === undefined;
    this.#file ??= await joinPath(op, this.#folder, await fileName(time));
    const parts = first ? [fileVersion(time), ...this.#waiting] : this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    await append(this.#file, Buffer.concat(parts), op);
  }
}

/** A name that no other process or writer gives; TensorBoard wants `tfevents` in it and reads in order of names. */
async function fileName(time: number): Promise<string> {
  const { hostname } = await nodeModule('os', op);
  const seconds = String(Math.floor(time)).padStart(10, '0');
  return `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${files++}.v2`;
}
