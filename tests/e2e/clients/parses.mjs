// Says `ok` or `error` of every line of its input as LogQL, as Grafana's own grammar sees it.
import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-logql';

for (const query of readFileSync(0, 'utf8').split('\n').slice(0, -1)) {
  let bad = false;
  parser.parse(query).iterate({ enter: (node) => { bad ||= node.type.isError; } });
  console.log(bad ? 'error' : 'ok');
}
