// What the query cost, under its answer, with a hint when that is much.
import { costDetail, costHint, costWords, type QueryStats, type Shown } from "../../lib/query-cost";

export function Cost({ stats, shown }: { stats: QueryStats | undefined; shown: Shown }) {
  if (!stats) return null;
  const hint = costHint(stats, shown);
  return (
    <p class="metrics-cost faint" title={costDetail(stats)}>
      <span class="num">{costWords(stats, shown)}</span>
      {hint && <span class="tone-warn"> Costly. {hint}</span>}
    </p>
  );
}
