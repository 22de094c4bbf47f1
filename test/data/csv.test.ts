// tf.data.csv and its sources.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bytes = (text: string) => new TextEncoder().encode(text);
const rows = (text: string, config?: tf.data.CSVConfig) => tf.data.csv(bytes(text), config).toArray();
/** The same file in pieces of one byte: every state is left and entered at a border. */
const slowly = (text: string, config?: tf.data.CSVConfig) =>
  tf.data.csv(new tf.data.FileDataSource(bytes(text), { chunkSize: 1 }), config).toArray();

describe('rows', () => {
  const cases: [string, string, tf.data.CSVConfig | undefined, unknown[]][] = [
    [
      'numbers and text',
      'a,b,c\n1,2.5,x y\n-3,1e3,\n',
      undefined,
      [
        { a: 1, b: 2.5, c: 'x y' },
        { a: -3, b: 1000, c: undefined },
      ],
    ],
    ['no line end at the end', 'a,b\n1,2', undefined, [{ a: 1, b: 2 }]],
    [
      'line ends of every system',
      'a,b\r\n1,2\r3,4\n\r\n5,6\r\n',
      undefined,
      [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
        { a: 5, b: 6 },
      ],
    ],
    ['a byte order mark', '\ufeffa,b\n1,2\n', undefined, [{ a: 1, b: 2 }]],
    [
      'quotes',
      'a,"b,c"\n"x, ""y""\r\nz",""\n"7",8\n',
      undefined,
      [
        { a: 'x, "y"\r\nz', 'b,c': undefined },
        { a: 7, 'b,c': 8 },
      ],
    ],
    ['a quote in a bare cell', 'a,b\nx"y,2\n', undefined, [{ a: 'x"y', b: 2 }]],
    ['letters beyond ASCII', 'ä,日\n😀,é\n', undefined, [{ ä: '😀', 日: 'é' }]],
    ['another delimiter', 'a;b\n1,5;2\n', { delimiter: ';' }, [{ a: '1,5', b: 2 }]],
    [
      'white space',
      '  a \t b\n 1   2  \n"3 4" 5\n',
      { delimWhitespace: true },
      [
        { a: 1, b: 2 },
        { a: '3 4', b: 5 },
      ],
    ],
    [
      'no header',
      '1,2\n3,4\n',
      { hasHeader: false, columnNames: ['x', 'y'] },
      [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
    ],
    ['other names', 'a,b\n1,2\n', { columnNames: ['x', 'y'] }, [{ x: 1, y: 2 }]],
    ['one column, with empty lines', 'a\n1\n\n2\n""\n', undefined, [{ a: 1 }, { a: 2 }, { a: undefined }]],
    [
      'an empty last cell',
      'a,b\n1,\n,2\n',
      undefined,
      [
        { a: 1, b: undefined },
        { a: undefined, b: 2 },
      ],
    ],
  ];
  it.each(cases)('%s', async (_, text, config, want) => {
    expect(await rows(text, config)).toEqual(want);
    expect(await slowly(text, config)).toEqual(want);
  });
  it('columns with settings', async () => {
    const columnConfigs = {
      price: { isLabel: true },
      size: { dtype: 'int32' as const, default: 7 },
      sold: { dtype: 'bool' as const },
      id: { dtype: 'string' as const, required: true },
      w: { dtype: 'float32' as const },
    };
    const text = 'id,size,sold,price,w,other\n007,2.9,TRUE,1.5,NaN,z\n1,,0,2,3,\n';
    const want = [
      { xs: { id: '007', size: 2, sold: 1, w: Number.NaN, other: 'z' }, ys: { price: 1.5 } },
      { xs: { id: '1', size: 7, sold: 0, w: 3, other: undefined }, ys: { price: 2 } },
    ];
    expect(await rows(text, { columnConfigs })).toEqual(want);
    const only = tf.data.csv(bytes(text), {
      columnConfigs: { w: {}, size: { default: 0 } },
      configuredColumnsOnly: true,
    });
    expect(await only.toArray()).toEqual([
      { size: 2.9, w: 'NaN' },
      { size: 0, w: 3 },
    ]);
    expect(await only.columnNames()).toEqual(['w', 'size']);
  });
  it('becomes batches, missing numbers NaN', async () => {
    const d = tf.data.csv(bytes('a,b,y\n1,2,0\n3,,1\n5,6,0\n'), { columnConfigs: { y: { isLabel: true } } });
    expect(await d.columnNames()).toEqual(['a', 'b', 'y']);
    const batch = d.map(({ xs, ys }) => ({ xs: Object.values(xs), ys: Object.values(ys) })).batch(2);
    const [first, last] = await batch.toArray();
    expect(first.xs.arraySync()).toEqual([
      [1, 2],
      [3, Number.NaN],
    ]);
    expect([first.ys.arraySync(), last.xs.shape]).toEqual([
      [[0], [1]],
      [1, 2],
    ]);
    // A second pass begins anew.
    expect((await d.toArray()).length).toBe(3);
  });
  it('lines of text', async () => {
    const lines = await new tf.data.TextLineDataset(new Blob(['one\r\n\ntwo\nthree'])).toArray();
    expect(lines).toEqual(['one', '', 'two', 'three']);
  });
});

describe('errors name line and column', () => {
  const bool = { columnConfigs: { b: { dtype: 'bool' as const } } };
  const cases: [string, string, tf.data.CSVConfig | undefined, RegExp][] = [
    [
      'too few cells',
      'a,b\n1,2\n\n3\n',
      undefined,
      /line 4, column 'b': the row has 1 cells where there are 2 columns: \['3'\]/,
    ],
    ['too many cells', 'a,b\n1,2,3\n', undefined, /line 2, column 'b': the row has 3 cells/],
    [
      'no number',
      'a,b\n"1\n",2\n2,oops\n',
      { columnConfigs: { b: { dtype: 'float32' } } },
      /line 4, column 'b': 'oops' is not a number/,
    ],
    ['no boolean', 'a,b\n1,yes\n', bool, /line 2, column 'b': 'yes' is not true, false, 1 or 0/],
    [
      'an empty label',
      'a,b\n1,\n',
      { columnConfigs: { b: { isLabel: true } } },
      /line 2, column 'b': the cell is empty/,
    ],
    [
      'an empty cell that is required',
      'a,b\n,1\n',
      { columnConfigs: { a: { required: true } } },
      /line 2, column 'a': the cell is empty/,
    ],
    ['an open quote', 'a,b\n1,"2\n3,4\n', undefined, /line 2, cell 2: a quote is not closed/],
    ['text behind a quote', 'a,b\n"1"x,2\n', undefined, /line 2, cell 1: 'x' stands behind a closing quote/],
    ['an empty file', '', undefined, /the file is empty/],
    ['names twice', 'a,b,a\n', undefined, /two columns have the name 'a'/],
    ['names of another number', 'a,b\n', { columnNames: ['x'] }, /columnNames has 1 names, the file's header 2/],
    ['settings of no column', 'price,b\n', { columnConfigs: { prise: {} } }, /'prise'[\s\S]*did you mean 'price'/],
  ];
  it.each(cases)('%s', async (_, text, config, message) => {
    for (const read of [rows, slowly]) {
      await expect(read(text, config)).rejects.toThrow(message);
      await expect(read(text, config)).rejects.toBeInstanceOf(tf.SinterError);
    }
  });
  it('as numbers too', async () => {
    await expect(rows('a,b\n1,yes\n', bool)).rejects.toMatchObject({ name: 'ParseError', line: 2, column: 2 });
  });
  it('refuses bad settings at once', () => {
    const cases: [tf.data.CSVConfig, RegExp][] = [
      [{ header: true } as never, /no option 'header'[\s\S]*hasHeader/],
      [{ delimiter: ';;' }, /delimiter must be one character, not ";;"/],
      [{ delimiter: '"' }, /delimiter/],
      [{ delimiter: ',', delimWhitespace: true }, /excludes/],
      [{ hasHeader: false }, /needs columnNames/],
      [{ configuredColumnsOnly: true }, /leaves no columns/],
      [{ columnConfigs: { a: { dtype: 'float' as never } } }, /no dtype 'float'[\s\S]*float32/],
      [{ columnConfigs: { a: { label: true } as never } }, /no option 'label'/],
    ];
    for (const [config, message] of cases) expect(() => tf.data.csv(bytes('a\n'), config)).toThrow(message);
    expect(() => tf.data.csv(5 as never)).toThrow(/takes an address, not 5/);
  });
});

describe('sources', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let dropped = 0;
  const text = 'a,b\n1,2\n3,4\n';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sinter csv '));
    writeFileSync(join(folder, 'x.csv'), text);
    server = createServer((request, response) => {
      if (request.url === '/x.csv') return void response.end(text);
      if (request.url !== '/endless') return void response.writeHead(404).end('no');
      response.write('n\n');
      let n = 0;
      const timer = setInterval(() => response.write(`${n++}\n`), 1);
      response.on('close', () => {
        clearInterval(timer);
        dropped++;
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    server.closeAllConnections();
    server.close();
  });
  const want = [
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ];

  it('file addresses, paths, blobs, http', async () => {
    const path = join(folder, 'x.csv');
    const relativePath = relative(process.cwd(), path);
    const all = [
      pathToFileURL(path),
      String(pathToFileURL(path)),
      path,
      `file://${relativePath}`,
      new Blob([text]),
      `${url}/x.csv`,
      new Request(`${url}/x.csv`),
    ];
    for (const source of all) expect(await tf.data.csv(source).toArray()).toEqual(want);
    expect(await new tf.data.CSVDataset(new tf.data.FileDataSource(path)).toArray()).toEqual(want);
    expect(await tf.data.csv(`data:text/csv,${encodeURIComponent(text)}`).toArray()).toEqual(want);
  });
  it('are read as far as they are asked for, and then closed', async () => {
    expect(await tf.data.csv(`${url}/endless`).take(3).toArray()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    await expect.poll(() => dropped).toBe(1);
  });
  it('that fail say so', async () => {
    await expect(tf.data.csv(`${url}/y.csv`).toArray()).rejects.toThrow(/y.csv' answered 404/);
    await expect(tf.data.csv('http://127.0.0.1:1/x').toArray()).rejects.toThrow(/cannot load 'http:/);
    await expect(tf.data.csv(join(folder, 'none.csv')).toArray()).rejects.toThrow(/cannot read the file .*ENOENT/);
    await expect(tf.data.csv(join(folder, 'none.csv')).toArray()).rejects.toBeInstanceOf(tf.ExecutionError);
  });
});
