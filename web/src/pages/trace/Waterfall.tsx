// The waterfall: a tree table whose last column is time. Only rows in sight are in the document, so ten thousand spans
// cost no more than forty. Arrows and j/k move, left and right fold, Enter opens a span. What is shown of the time is
// the window chosen in the minimap.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Icon } from "../../kit";
import { useFixedRows } from "../../kit/fixed-rows";
import { moveCursor } from "../../lib/cursor";
import { duration } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { errorAt, inSight, type SpanNode, type Trace } from "../../lib/trace";

export type Window = readonly [from: number, to: number];
interface Props {
  trace: Trace;
  window: Window;
  colors: ReadonlyMap<string, string>;
  collapsed: ReadonlySet<string>;
  /** The span that keys stand on; also the one open in the drawer if `open`. */
  current: number;
  hits: ReadonlySet<number>;
  opened: string;
  onCurrent: (index: number) => void;
  onFold: (id: string, all?: boolean) => void;
  onOpen: (index: number) => void;
}
const INDENT = 14;
const MOST_INDENT = 12;

export function Waterfall(p: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const { density } = useStore(prefs);
  const phone = matchMedia("(max-width: 760px)").matches;
  const height = phone ? 40 : density === "compact" ? 23 : 28;
  const { nodes } = p.trace;
  const rows = useMemo(() => inSight(nodes, p.collapsed), [nodes, p.collapsed]);
  const at = rows.indexOf(p.current);
  const sight = useFixedRows(scroller, rows.length, height);
  useEffect(() => {
    if (at >= 0) sight.show(at);
  }, [at]);

  const move = (step: number) => rows.length > 0 && p.onCurrent(rows[moveCursor(at, step, rows.length)]!);
  const node = nodes[p.current];
  const fold = (close: boolean) => {
    if (!node) return;
    const closed = p.collapsed.has(node.id);
    if (close && (closed || node.under === 0)) {
      if (node.parent >= 0) p.onCurrent(node.parent);
    } else if (closed !== close && node.under > 0) p.onFold(node.id);
    else if (!close && node.under > 0) p.onCurrent(p.current + 1);
  };
  useKeys([
    { keys: "j", label: "Next span", group: "Trace", run: () => move(1) },
    { keys: "k", label: "Span before", group: "Trace", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next span", group: "Trace", run: () => move(1) },
    { keys: "ArrowUp", label: "Span before", group: "Trace", run: () => move(-1) },
    { keys: "ArrowRight", label: "Unfold, or into", group: "Trace", run: () => fold(false) },
    { keys: "ArrowLeft", label: "Fold, or out", group: "Trace", run: () => fold(true) },
    { keys: "o", label: "Open the span", group: "Trace", run: () => node && p.onOpen(p.current) },
  ]);
  return (
    <div class="waterfall" role="treegrid" aria-label="Spans" aria-rowcount={rows.length + 1}>
      <div role="row" aria-rowindex={1} class="waterfall-head">
        <div role="columnheader">Span</div>
        <div role="columnheader" class="waterfall-scale">
          <span class="hear-only">Time</span>
          {(phone ? [0, 1] : [0, 0.25, 0.5, 0.75, 1]).map((part) => (
            <span key={part} class="num faint" aria-hidden="true" style={part === 1 ? { right: 0 } : { left: `${part * 100}%` }}>
              {duration(p.window[0] + (p.window[1] - p.window[0]) * part)}
            </span>
          ))}
        </div>
      </div>
      <div
        class="waterfall-body"
        role="rowgroup"
        ref={scroller}
        tabIndex={0}
        aria-label="Spans: rows"
        onKeyDown={(e) => {
          if (e.key !== "Enter" || e.target !== e.currentTarget || !node) return;
          e.preventDefault();
          p.onOpen(p.current);
        }}
      >
        <div class="waterfall-space" role="presentation" style={{ height: `${rows.length * height}px` }}>
          {rows.slice(sight.first, sight.last).map((index, i) => {
            const place = sight.first + i;
            return (
              <SpanRow
                key={index}
                node={nodes[index]!}
                rowIndex={place + 2}
                top={place * height}
                height={height}
                window={p.window}
                color={p.colors.get(nodes[index]!.service) ?? "--data-8"}
                newService={nodes[index]!.parent < 0 || nodes[nodes[index]!.parent]!.service !== nodes[index]!.service}
                folded={p.collapsed.has(nodes[index]!.id)}
                current={index === p.current}
                open={nodes[index]!.id === p.opened}
                hit={p.hits.has(index)}
                onFold={(all) => p.onFold(nodes[index]!.id, all)}
                onOpen={() => p.onOpen(index)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  node: SpanNode;
  rowIndex: number;
  top: number;
  height: number;
  window: Window;
  color: string;
  /** Its parent ran in another service, so its own is named. */
  newService: boolean;
  folded: boolean;
  current: boolean;
  open: boolean;
  hit: boolean;
  onFold: (all: boolean) => void;
  onOpen: () => void;
}
function SpanRow(p: RowProps) {
  const { node: n } = p;
  const took = n.end - n.start;
  const words = `${n.service} ${n.name}, ${duration(took)}, starts at ${duration(n.start)}${n.failed ? ", failed" : ""}${n.errors.length ? `, ${n.errors.length} errors` : ""}${n.critical.length ? ", on the critical path" : ""}`;
  const name = `span-row${p.current ? " at-cursor" : ""}${p.open ? " is-selected" : ""}${p.hit ? " is-hit" : ""}`;
  return (
    <div
      role="row"
      aria-rowindex={p.rowIndex}
      aria-level={n.depth + 1}
      aria-expanded={n.under > 0 ? !p.folded : undefined}
      aria-selected={p.open}
      class={name}
      style={{ height: `${p.height}px`, transform: `translateY(${p.top}px)` }}
      onClick={p.onOpen}
    >
      <div role="gridcell" class="span-name" style={{ paddingLeft: `${Math.min(n.depth, MOST_INDENT) * INDENT}px`, "--tone": `var(${p.color})` }} title={words}>
        {n.under > 0 ? (
          <button
            type="button"
            class={p.folded ? "span-fold folded" : "span-fold"}
            tabIndex={-1}
            aria-label={`${p.folded ? "Unfold" : "Fold"} ${n.name}`}
            title={`${n.under} under it. With Alt: all of them`}
            onClick={(e) => {
              e.stopPropagation();
              p.onFold(e.altKey);
            }}
          >
            <Icon name="chevron" size={12} />
          </button>
        ) : (
          <i class="span-leaf" aria-hidden="true" />
        )}
        <i class="span-service" aria-hidden="true" />
        <span class="clip">
          {n.failed && <span class="span-failed">✕ </span>}
          {p.newService && <span class="strong">{n.service} </span>}
          {n.name}
        </span>
        {p.folded && <span class="span-under num faint">+{n.under}</span>}
      </div>
      <div role="gridcell" class="span-time" aria-label={`${duration(took)}, starts at ${duration(n.start)}`}>
        <Bar {...p} took={took} />
      </div>
    </div>
  );
}

function Bar({ node: n, window: [from, to], color, took }: RowProps & { took: number }) {
  const scale = 100 / Math.max(to - from, 1e-6);
  const x = (ms: number) => (ms - from) * scale;
  const left = Math.max(0, x(n.start));
  const right = Math.min(100, x(n.end));
  if (right < 0 || left > 100) return <span class="span-off faint">{left > 100 ? "›" : "‹"}</span>;
  const inside = left > 70 && right > 88;
  return (
    <>
      <i class={n.failed ? "span-bar span-bar-failed" : "span-bar"} style={{ left: `${left}%`, width: `${Math.max(0, right - left)}%`, "--tone": `var(${color})` }} />
      {n.critical.map(([a, b], i) =>
        x(b) > 0 && x(a) < 100 ? <i key={i} class="span-critical" style={{ left: `${Math.max(0, x(a))}%`, width: `${Math.min(100, x(b)) - Math.max(0, x(a))}%` }} /> : null,
      )}
      {n.errors.map((e, i) => (
        <i key={i} class="span-error" style={{ left: `${Math.max(0, Math.min(100, x(errorAt(n, e))))}%` }} />
      ))}
      <span class="span-took num" style={inside ? { right: `${100 - left}%`, marginRight: "6px" } : { left: `${right}%`, marginLeft: n.errors.length ? "10px" : "6px" }}>
        {duration(took)}
      </span>
    </>
  );
}
