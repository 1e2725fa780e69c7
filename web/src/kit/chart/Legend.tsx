// The legend: names what is drawn, and its figures. A click on a name isolates it.
import { type ChartSeries, look } from "./prepare";
import { stats } from "./summary";

const MOST = 40;

export function Swatch({ series, index, kind }: { series: ChartSeries; index: number; kind: "line" | "block" }) {
  const { color, dash } = look(index);
  const name = series.color ?? color;
  return <i class={`swatch swatch-${kind}${dash && !series.color ? " swatch-dash" : ""}`} style={{ "--tone": `var(${name})` }} aria-hidden="true" />;
}

interface Props {
  series: readonly ChartSeries[];
  shown: readonly boolean[];
  format: (v: number) => string;
  /** Names only, in a line. */
  compact: boolean;
  swatch: "line" | "block";
  onPick: (name: string, add: boolean) => void;
}
export function Legend(p: Props) {
  const name = (s: ChartSeries, i: number) => (
    <button type="button" class="legend-name" aria-pressed={p.shown[i]} title={`${s.name}\nClick: only this one. Ctrl-click: with or without it.`} onClick={(e) => p.onPick(s.name, e.ctrlKey || e.metaKey || e.shiftKey)}>
      <Swatch series={s} index={i} kind={p.swatch} />
      <span class="clip">{s.name}</span>
    </button>
  );
  if (p.compact) return <div class="legend-line">{p.series.slice(0, MOST).map((s, i) => name(s, i))}</div>;
  return (
    <div class="legend">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="hear-only">Series</span>
            </th>
            <th scope="col">last</th>
            <th scope="col">min</th>
            <th scope="col" class="wide-only">
              mean
            </th>
            <th scope="col">max</th>
          </tr>
        </thead>
        <tbody>
          {p.series.slice(0, MOST).map((s, i) => {
            const known = stats(s.values);
            const figure = (v: number | undefined) => (v === undefined ? "–" : p.format(v));
            return (
              <tr key={s.name} class={p.shown[i] ? undefined : "legend-off"}>
                <th scope="row">{name(s, i)}</th>
                <td>{figure(known?.last)}</td>
                <td>{figure(known?.min)}</td>
                <td class="wide-only">{figure(known?.avg)}</td>
                <td>{figure(known?.max)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {p.series.length > MOST && <p class="faint">and {p.series.length - MOST} more, in the table view</p>}
    </div>
  );
}
