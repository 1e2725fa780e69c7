// What the lines have in common: each pattern with how many lines have it, over time, and a click to see only those or
// to leave them out.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, EmptyState, IconButton, Loaded, Skeleton, SparkBars } from "../../kit";
import { get } from "../../lib/api";
import { count, percent } from "../../lib/format";
import { GAP, type PatternAnswer, patternRegex, readPatterns } from "../../lib/patterns";
import { useRange } from "../../lib/query";
import { setUrl, useFilters } from "../../lib/url";

const SHOWN = 100;

export default function Patterns({ query }: { query: string }) {
  const { start, end } = useRange();
  const { add } = useFilters();
  const step = Math.max(1, Math.ceil((end - start) / 1000 / 40));
  const result = useQuery({
    queryKey: ["patterns", query, start, end],
    queryFn: async ({ signal }) => {
      const answer = await get<{ data?: PatternAnswer[] }>("/loki/api/v1/patterns", { query, start: `${start}000000`, end: `${end}000000`, step: `${step}s` }, signal);
      return readPatterns(answer.data ?? [], start, end);
    },
    placeholderData: keepPreviousData,
  });
  const only = (text: string, op: "~" | "!~") => {
    add({ field: "message", op, value: patternRegex(text) });
    if (op === "~") setUrl({ view: null });
  };
  return (
    <div class="patterns">
      <Loaded result={result} skeleton={<Skeleton lines={10} height={26} />}>
        {(patterns) =>
          patterns.length === 0 ? (
            <EmptyState icon="search" title="No patterns: no line matches in this range." />
          ) : (
            <table class="plain-table patterns-table" aria-label="Patterns of these lines">
              <thead>
                <tr>
                  <th scope="col" class="cell-end">
                    Lines
                  </th>
                  <th scope="col" class="cell-end wide-only">
                    Share
                  </th>
                  <th scope="col" class="patterns-trend">
                    Over time
                  </th>
                  <th scope="col">Pattern</th>
                  <th scope="col">
                    <span class="hear-only">Show or leave out</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {patterns.slice(0, SHOWN).map((p) => (
                  <tr key={p.text}>
                    <td class="num cell-end strong">{count(p.total)}</td>
                    <td class="num cell-end faint wide-only">{percent(p.share)}</td>
                    <td class="patterns-trend">
                      <SparkBars values={p.trend} label="Lines over time" tone="accent" />
                    </td>
                    <td class="mono breakable">
                      <PatternText text={p.text} />
                    </td>
                    <td>
                      <span class="row patterns-acts">
                        <Button small kind="quiet" onClick={() => only(p.text, "~")}>
                          Only these
                        </Button>
                        <IconButton small icon="minus" label={`Leave out lines like ${p.text.slice(0, 80)}`} onClick={() => only(p.text, "!~")} />
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </div>
  );
}

/** What a pattern of JSON says; the rest of it stands behind. */
export function saidBy(pattern: string): [said: string, rest: string] {
  const found = pattern.startsWith("{") ? /"(?:message|msg|event)":\s*"((?:[^"\\]|\\.)+)"/.exec(pattern) : null;
  return found ? [found[1]!, pattern] : [pattern, ""];
}

function PatternText({ text }: { text: string }) {
  const [said, rest] = saidBy(text);
  return (
    <>
      <Gaps text={said} />
      {rest && (
        <details class="pattern-rest faint">
          <summary>whole</summary>
          <Gaps text={rest} />
        </details>
      )}
    </>
  );
}

/** The parts that differ from line to line stand out from those that do not. */
function Gaps({ text }: { text: string }) {
  return (
    <>
      {text.split(GAP).map((part, i) => (
        <span key={i}>
          {i > 0 && <i class="pattern-gap" role="img" title="differs" aria-label="something" />}
          {part}
        </span>
      ))}
    </>
  );
}
