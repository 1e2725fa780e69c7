// What both ways of asking for lines have above them: how many, what they are split by, and how they are shown.
import type { ComponentChildren } from "preact";
import { MakeMenu } from "../../app/MakeMenu";
import { Button, IconButton, Segmented } from "../../kit";
import type { RowParams } from "../../lib/asks";
import type { Order } from "../../lib/page-rows";
import { prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import type { Tail } from "../../lib/tail";
import { formatDateTime } from "../../lib/time";
import { setUrl } from "../../lib/url";
import { ColumnMenu } from "./ColumnMenu";
import { ExportMenu } from "./ExportMenu";
import { LiveState } from "./Live";

export const toggleLive = (live: boolean) => setUrl({ live: live ? null : "1", row: null });
export const togglePatterns = (patterns: boolean) => setUrl({ view: patterns ? null : "patterns", row: null, live: null });
export const groupBy = (field: string) => setUrl({ by: field === "level" ? null : field });

interface Props {
  /** How many there are, in words. */
  total: string;
  /** The time that a search which is still going on has come to. */
  searched: string | undefined;
  live: boolean;
  tail: Tail;
  patterns: boolean;
  order: Order;
  by: string;
  params: RowParams;
  /** The same search in LogQL. */
  query: string;
  beforeAll?: ComponentChildren;
  children: ComponentChildren;
}
function Searched({ at, order }: { at: string; order: Order }) {
  const zone = useStore(prefs).zone;
  return (
    <span class="muted" role="status">
      Searched {order === "newest" ? "back to" : "up to"} <span class="num">{formatDateTime(Date.parse(at), zone)}</span>…
    </span>
  );
}

export function LogsBar(p: Props) {
  const rows = !p.live && !p.patterns;
  return (
    <div class="logs-bar row">
      <span class="num muted" aria-live={p.live ? undefined : "polite"}>
        {p.live ? <LiveState tail={p.tail} /> : p.total}
      </span>
      {p.searched && <Searched at={p.searched} order={p.order} />}
      {p.by !== "level" && (
        <span class="chip">
          <span class="muted">by</span> <span class="clip chip-text">{p.by}</span>
          <IconButton small icon="close" label={`Group by ${p.by} no longer`} onClick={() => groupBy("level")} />
        </span>
      )}
      <span class="grow" />
      {p.beforeAll}
      {!p.live && <Segmented label="Show" value={p.patterns ? "patterns" : ""} options={[["", "Lines"], ["patterns", "Patterns"]]} onChange={(v) => setUrl({ view: v, row: null })} />}
      {rows && <Segmented label="Order" value={p.order} options={[["newest", "Newest"], ["oldest", "Oldest"]]} onChange={(v) => setUrl({ order: v === "newest" ? null : v })} />}
      <Button small icon="spark" on={p.live} onClick={() => toggleLive(p.live)}>
        Live
      </Button>
      {!p.patterns && (
        <span class="wide-only">
          <ColumnMenu />
        </span>
      )}
      {!p.live && (
        <span class="wide-only">
          <ExportMenu params={p.params} order={p.order} />
        </span>
      )}
      <span class="wide-only">
        <MakeMenu language="logql" query={p.query} />
      </span>
      {p.children}
    </div>
  );
}
