// Object headers: the messages that say what a group or a dataset is.

import type { Reader } from './reader.ts';

/** A message: its type, and where its contents are. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly at: number;
  readonly size: number;
}

/** Kinds of messages. */
export const kinds = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** The most messages of an object. */
const most = 100_000;

/** A piece of a header: where messages stand. */
interface Block {
  readonly at: number;
  readonly end: number;
}

/** The messages of the object at an address. Throws FormatError where there is none. */
export function messagesAt(r: Reader, address: number): Message[] {
  r.step();
  const second = r.is(address, 'OHDR');
  const messages: Message[] = [];
  const blocks: Block[] = [second ? firstOfSecond(r, address) : firstOfFirst(r, address)];
  const flags = second ? r.u8(address + 5) : 0;
  // Grows while it is walked through.
  for (const b of blocks) {
    r.step();
    for (const m of second ? secondMessages(r, b, flags) : firstMessages(r, b)) {
      messages.push(m);
      if (messages.length > most) r.fail(`the object at byte ${address} has more than ${most} messages`);
      if (m.type === kinds.continuation) blocks.push(continued(r, m, second));
    }
  }
  return messages;
}

function firstOfFirst(r: Reader, address: number): Block {
  if (r.u8(address) !== 1) r.fail(`there is no object at byte ${address}`);
  return { at: address + 16, end: address + 16 + r.u32(address + 8) };
}

function firstOfSecond(r: Reader, address: number): Block {
  const flags = r.u8(address + 5);
  const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = 1 << (flags & 3);
  return { at: at + width, end: at + width + r.uint(at, width) };
}

function continued(r: Reader, m: Message, second: boolean): Block {
  const [at, size] = [r.offset(m.at), r.length(m.at + r.offsetSize)];
  if (!second) return { at, end: at + size };
  r.expect(at, 'OCHK');
  return { at: at + 4, end: at + size - 4 };
}

function firstMessages(r: Reader, { at, end }: Block): Message[] {
  const found: Message[] = [];
  for (let p = at; p + 8 <= end; p += 8 + r.u16(p + 2)) {
    r.step();
    found.push({ type: r.u16(p), size: r.u16(p + 2), flags: r.u8(p + 4), at: p + 8 });
  }
  return found;
}

function secondMessages(r: Reader, { at, end }: Block, header: number): Message[] {
  const found: Message[] = [];
  const extra = header & 4 ? 2 : 0;
  for (let p = at; p + 4 + extra <= end; p += 4 + extra + r.u16(p + 1)) {
    r.step();
    found.push({ type: r.u8(p), size: r.u16(p + 1), flags: r.u8(p + 3), at: p + 4 + extra });
  }
  return found;
}

/** A message itself where it stands in another object's header. */
export function resolved(r: Reader, m: Message): Message {
  if (!(m.flags & 2)) return m;
  const version = r.u8(m.at);
  const kind = r.u8(m.at + 1);
  if (version === 3 && kind === 1) return r.fail('messages that objects share are not supported', 'save it with h5py');
  const address = r.offset(m.at + (version === 1 ? 8 : 2));
  const found = messagesAt(r, address).find((x) => x.type === m.type && !(x.flags & 2));
  return found ?? r.fail(`the object at byte ${address} has no message of type ${m.type}`);
}
