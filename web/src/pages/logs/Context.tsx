// The lines before and after a line, of its service or only of those with its labels, whatever the filters are. The server
// cuts the log in two at the line itself, so that lines of one time are neither missing nor there twice.
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Button, LevelMark, Loaded, Segmented } from "../../kit";
import { ApiError, get, type Query } from "../../lib/api";
import { lineOf } from "../../lib/message";
import { prefs } from "../../lib/prefs";
import { rowId } from "../../lib/row-id";
import { useStore } from "../../lib/store";
import { formatTime } from "../../lib/time";
import type { ContextLines, Row } from "../../lib/types";
import { setUrl } from "../../lib/url";

const SIDE = 10;
const MOST_SIDE = 400;
const LONGEST_NAME = 1500;
const more = (n: number) => Math.min(MOST_SIDE, n * 3);

/** The line is known by its time and what it says; a query may have changed the latter, and then the time has to do. */
async function around(row: Row, query: Query, signal: AbortSignal): Promise<ContextLines> {
  const named = row.message.length <= LONGEST_NAME ? row.message : null;
  const ask = (message: string | null) => get<ContextLines>("logs/context", { ...query, message }, signal);
  try {
    return await ask(named);
  } catch (e) {
    if (named === null || !(e instanceof ApiError) || e.status !== 404) throw e;
    return ask(null);
  }
}

export function Context({ row }: { row: Row }) {
  const [scope, setScope] = useState(row.service ? "service" : "stream");
  const [before, setBefore] = useState(SIDE);
  const [after, setAfter] = useState(SIDE);
  const query = { time: row.time, scope, before, after, project: row.project || null, ...(row.service ? { service: row.service } : {}) };
  const result = useQuery({ queryKey: ["context", query, rowId(row)], queryFn: ({ signal }) => around(row, query, signal), staleTime: Infinity });
  return (
    <>
      {row.service && <Segmented label="Lines of" value={scope} options={[["service", `All of ${row.service}`], ["stream", "With the same labels"]]} onChange={setScope} />}
      <Loaded result={result}>
        {(found) => (
          <div class="stack-tight">
            {found.more_before && before < MOST_SIDE && (
              <Button small kind="quiet" onClick={() => setBefore(more(before))}>
                Earlier lines
              </Button>
            )}
            <ol class="log-context" aria-label="Lines around this one">
              {found.before.map((l, i) => (
                <ContextLine key={`b${i - found.before.length}`} line={l} />
              ))}
              <ContextLine line={found.line} here />
              {found.after.map((l, i) => (
                <ContextLine key={`a${i}`} line={l} />
              ))}
            </ol>
            {found.more_after && after < MOST_SIDE && (
              <Button small kind="quiet" onClick={() => setAfter(more(after))}>
                Later lines
              </Button>
            )}
          </div>
        )}
      </Loaded>
    </>
  );
}

function ContextLine({ line, here }: { line: Row; here?: boolean }) {
  const { zone } = useStore(prefs);
  const text = lineOf(line).text;
  return (
    <li aria-current={here ? "true" : undefined}>
      <button type="button" class="log-context-line" onClick={() => setUrl({ row: rowId(line) }, { replace: true })}>
        <span class="num faint">{formatTime(Date.parse(line.time), zone, true)}</span>
        <LevelMark level={line.level} dot />
        <span class="mono clip grow" title={text}>
          {text}
        </span>
      </button>
    </li>
  );
}
