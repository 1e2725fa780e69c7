import { useQuery } from "@tanstack/react-query";
import { useProjects } from "../../app/session";
import { Ago, Loaded, ShareBar } from "../../kit";
import { get } from "../../lib/api";
import { bytes, count, percent } from "../../lib/format";
import { shortDuration } from "../../lib/time";
import type { Storage } from "../../lib/types";

const NAMES: Record<string, string> = {
  metrics: "Metrics",
  logs: "Logs",
  spans: "Traces",
  errors: "Errors",
  journal: "Journal",
  records: "Records",
  attachments: "Attachments",
};

/** What the data takes on the disk, how much is left, how far back it goes. */
export function StorageUse() {
  const storage = useQuery({
    queryKey: ["storage"],
    queryFn: ({ signal }) => get<Storage>("storage", {}, signal),
    refetchInterval: 30_000,
  });
  return (
    <Loaded result={storage}>
      {(s) => {
        const parts = [...s.parts].sort((a, b) => b.bytes - a.bytes);
        // What may still be written: what the budget allows, but never more than the disk has.
        const left = Math.max(0, Math.min((s.budget_bytes ?? Infinity) - s.total_bytes, s.disk_free_bytes));
        return (
          <>
            <dl class="facts">
              <Fact name="In use" value={bytes(s.total_bytes)} />
              <Fact name={s.budget_bytes === null ? "Budget" : `Budget (${percent(s.total_bytes / s.budget_bytes)} used)`} value={s.budget_bytes === null ? "none" : bytes(s.budget_bytes)} />
              <Fact name="Free on the disk" value={bytes(s.disk_free_bytes)} />
            </dl>
            <div class="storage-bar">
              <ShareBar
                label="Storage by part"
                parts={[...parts.map((p) => ({ name: NAMES[p.name] ?? p.name, value: p.bytes, className: `store-${p.name}` })), { name: "Left", value: left, className: "store-left" }]}
              />
            </div>
            <div class="scroll-x" tabIndex={0} role="region" aria-label="Storage by part">
              <table class="plain-table storage-table">
                <thead>
                  <tr>
                    <th scope="col">Part</th>
                    <th scope="col" class="cell-end">Size</th>
                    <th scope="col" class="cell-end">Rows</th>
                    <th scope="col" class="cell-end">Oldest</th>
                    <th scope="col" class="cell-end">Kept for</th>
                  </tr>
                </thead>
                <tbody class="num">
                  {parts.map((p) => (
                    <tr key={p.name}>
                      <th scope="row">
                        <i class={`tag-dot store-${p.name}`} aria-hidden="true" /> {NAMES[p.name] ?? p.name}
                      </th>
                      <td class="cell-end">{bytes(p.bytes)}</td>
                      <td class="cell-end">{count(p.rows)}</td>
                      <td class="cell-end">{p.oldest ? <Ago time={p.oldest} /> : "–"}</td>
                      <td class="cell-end">{p.retention_s ? shortDuration(p.retention_s * 1000) : "–"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {s.series.length > 0 && <SeriesUse use={s.series} />}
          </>
        );
      }}
    </Loaded>
  );
}

/** How far each project is from its limits on series; one that has reached a limit stands out. */
function SeriesUse({ use }: { use: Storage["series"] }) {
  const projects = useProjects();
  const nameOf = (id: number) => projects.data?.find((p) => p.id === id)?.name ?? `Project ${id}`;
  const of = (used: number, limit: number) => (
    <td class="cell-end">
      {used >= limit ? <strong title="New series are refused">{count(used)}</strong> : count(used)} of {count(limit)}
    </td>
  );
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Series of metrics">
      <table class="plain-table storage-table">
        <thead>
          <tr>
            <th scope="col">Series of metrics</th>
            <th scope="col" class="cell-end">Known</th>
            <th scope="col" class="cell-end">New in this hour</th>
          </tr>
        </thead>
        <tbody class="num">
          {use.map((u) => (
            <tr key={u.project}>
              <th scope="row">{nameOf(u.project)}</th>
              {of(u.series, u.max_series)}
              {of(u.new_this_hour, u.max_new_per_hour)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
