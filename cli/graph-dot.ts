// The text of a graph as a picture's description in Graphviz's language.

/** A line of a graph's text: `%3 : f32[2] = add %1, %2 {…}`; several results stand side by side. */
const nodeLine = /^\s*((?:%[\w.]+ : [^=%]+?,? ?)+) = (\w+)(.*)$/;
const result = /(%[\w.]+) : ([\w<>]+\[[^\]]*\]>?)/g;
const operand = /%[\w.]+/g;

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Boxes for operations with the shape of what they give, arrows for values. Regions are left out: their operation stands for them. */
export function dotOfGraph(text: string): string {
  const owner = new Map<string, string>();
  const lines: string[] = [];
  let ends: string[] = [];
  let depth = 0;
  const head = /^func @\w+\((.*?)\)/.exec(text)?.[1] ?? '';
  for (const [, name, type] of head.matchAll(result)) {
    owner.set(name, name);
    lines.push(`${quoted(name)} [label=${quoted(`${name.slice(1)}\\n${type}`)}, shape=ellipse, fillcolor="#e8f3e8"]`);
  }
  for (const line of text.split('\n').slice(1)) {
    const opens = (line.match(/\{/g) ?? []).length - (line.match(/\}/g) ?? []).length;
    const node = depth === 0 ? nodeLine.exec(line) : null;
    if (depth === 0 && /^\s*return\b/.test(line)) ends = line.match(operand) ?? [];
    if (node) {
      const [, results, op, rest] = node;
      const outs = [...results.matchAll(result)];
      const id = outs[0]?.[1] ?? op;
      for (const [, name] of outs) owner.set(name, id);
      lines.push(`${quoted(id)} [label=${quoted(`${op}\\n${outs.map((o) => o[2]).join(', ')}`)}]`);
      for (const v of rest.replace(/\{.*/, '').match(operand) ?? [])
        if (owner.has(v)) lines.push(`${quoted(owner.get(v) as string)} -> ${quoted(id)}`);
    }
    depth = Math.max(0, depth + opens);
  }
  ends.forEach((v, i) => {
    lines.push(`${quoted(`result ${i}`)} [shape=ellipse, fillcolor="#f7e8e8"]`);
    if (owner.has(v)) lines.push(`${quoted(owner.get(v) as string)} -> ${quoted(`result ${i}`)}`);
  });
  const style =
    'node [shape=box, style="filled,rounded", fillcolor="#eef3fa", fontname="Helvetica", fontsize=11]; nslimit=1; splines=line';
  return `digraph { ${style}\n${lines.join('\n')}\n}`;
}
