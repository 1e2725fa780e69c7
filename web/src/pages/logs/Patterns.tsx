// What the lines have in common: each pattern with how many lines have it, over time, and a click to see only those or
// to leave them out. The server finds them for the same search that gives the lines.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Button, EmptyState, IconButton, Later, LevelMark, Loaded, Skeleton, SparkBars } from "../../kit";
import { patternsAsk, type RowParams } from "../../lib/asks";
import { count, percent, plural } from "../../lib/format";
import { GAP, saidBy } from "../../lib/patterns";
import { asQuery } from "../../lib/query";
import type { PatternReport } from "../../lib/types";

export type Pattern = PatternReport["patterns"][number];

/** As many as a screen shows are drawn at once; the others a moment later. */
const FIRST = 24;

export default function Patterns({ params, onOnly, onLeaveOut }: { params: RowParams; onOnly: (p: Pattern) => void; onLeaveOut: (p: Pattern) => void }) {
  const result = useQuery({
    ...asQuery(patternsAsk(params)),
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <div class="patterns">
      <Loaded result={result} skeleton={<Skeleton lines={10} height={26} />}>
        {(report) => {
          const services = new Set(report.patterns.map((o) => o.service)).size > 1;
          const row = (p: Pattern) => <PatternRow key={`${p.service}\n${p.pattern}`} pattern={p} services={services} onOnly={onOnly} onLeaveOut={onLeaveOut} />;
          return report.patterns.length === 0 ? (
            <EmptyState icon="search" title="No patterns: no line matches in this range." />
          ) : (
            <>
              {!report.exact && <p class="faint patterns-note">Found in {plural(report.sampled_rows, "line")} of {count(report.total)}; the counts are estimates.</p>}
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
                  </tr>
                </thead>
                <tbody>
                  {report.patterns.slice(0, FIRST).map(row)}
                  <Later>{() => report.patterns.slice(FIRST).map(row)}</Later>
                </tbody>
              </table>
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function PatternRow({ pattern: p, services, onOnly, onLeaveOut }: { pattern: Pattern; services: boolean; onOnly: (p: Pattern) => void; onLeaveOut: (p: Pattern) => void }) {
  return (
    <tr>
      <td class="num cell-end strong">{count(p.count)}</td>
      <td class="num cell-end faint wide-only">{percent(p.share)}</td>
      <td class="patterns-trend">
        <SparkBars values={p.counts} label="Lines over time" tone={p.level === "error" || p.level === "fatal" ? "bad" : p.level === "warning" ? "warn" : "accent"} />
      </td>
      <td class="pattern-td">
        <div class="pattern-cell">
          <div class="grow breakable">
            <LevelMark level={p.level} dot /> {services && <span class="muted">{p.service} </span>}
            <span class="mono" title={p.example}>
              <PatternText text={p.pattern} />
            </span>
          </div>
          <span class="row patterns-acts">
            <Button small kind="quiet" onClick={() => onOnly(p)}>
              Only these
            </Button>
            <IconButton small icon="minus" label={`Leave out lines like ${p.pattern.slice(0, 80)}`} onClick={() => onLeaveOut(p)} />
          </span>
        </div>
      </td>
    </tr>
  );
}

function PatternText({ text }: { text: string }) {
  const [said, rest] = saidBy(text);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Gaps text={said} />
      {rest && (
        <details class="pattern-rest faint" onToggle={(e) => setOpen(e.currentTarget.open)}>
          <summary>all of it</summary>
          {open && <Gaps text={rest} />}
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
