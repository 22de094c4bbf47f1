// Tells a server the metrics of every epoch.

import { checkOptions } from '../engine/names.ts';
import { Callback, type Logs } from './callback.ts';
import { flagOf, textOf } from './options.ts';

/** Options of `tf.callbacks.remoteMonitor`. */
export interface RemoteMonitorArgs {
  /** The server, by default 'http://localhost:9000'. */
  root?: string;
  /** By default '/publish/epoch/end/'. */
  path?: string;
  /** With `sendAsJson: false`, the name of the form field that the JSON is in; by default 'data'. */
  field?: string;
  /** More headers of the request. */
  headers?: Record<string, string> | null;
  /** Whether JSON is the whole body (default), or a field of a form, as Keras sends it by default. */
  sendAsJson?: boolean;
}

/** Milliseconds that a server may take: training waits no longer. */
const patience = 10_000;

/** See `tf.callbacks.remoteMonitor`. */
export class RemoteMonitor extends Callback {
  readonly url: string;
  readonly #field: string;
  readonly #headers: Record<string, string>;
  readonly #json: boolean;

  constructor(args: RemoteMonitorArgs = {}) {
    super();
    const op = 'remoteMonitor';
    checkOptions(args, ['root', 'path', 'field', 'headers', 'sendAsJson'], op);
    const a = args ?? {};
    this.url = textOf(a.root, 'root', op, 'http://localhost:9000') + textOf(a.path, 'path', op, '/publish/epoch/end/');
    this.#field = textOf(a.field, 'field', op, 'data');
    this.#json = flagOf(a.sendAsJson, 'sendAsJson', op, true);
    checkOptions(a.headers, Object.keys(a.headers ?? {}), op);
    this.#headers = Object.fromEntries(
      Object.entries(a.headers ?? {}).map(([k, v]) => [k, textOf(v, `the header ${k}`, op)]),
    );
  }

  /** Posts `{epoch, …logs}`; NaN and infinities, which JSON does not have, are null. A failure is a warning. */
  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    const text = JSON.stringify({ epoch, ...logs });
    const type = this.#json ? 'application/json' : 'application/x-www-form-urlencoded';
    try {
      const answer = await fetch(this.url, {
        method: 'POST',
        headers: { 'content-type': type, ...this.#headers },
        body: this.#json ? text : new URLSearchParams({ [this.#field]: text }).toString(),
        signal: AbortSignal.timeout(patience),
      });
      await answer.arrayBuffer();
      if (!answer.ok) this.#warn(`answered ${answer.status}`);
    } catch (e) {
      const { message, cause } = e as Error;
      this.#warn(`could not be reached: ${cause instanceof Error ? cause.message || message : message}`);
    }
  }

  #warn(what: string): void {
    console.warn(`sinter: remoteMonitor: ${this.url} ${what}. Training goes on.`);
  }
}
