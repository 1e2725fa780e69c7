// The stack, innermost call first. Frames of the application stand open; library frames between them are folded into
// one line that opens.
import { useState } from "preact/hooks";
import { Badge, CopyButton, Icon, Redacted, Segmented } from "../../kit";
import { plural } from "../../lib/format";
import { type Frame, stackText, type Thrown } from "../../lib/event";

const OPEN_AT_FIRST = 3;

export function StackTrace({ thrown }: { thrown: readonly Thrown[] }) {
  const [all, setAll] = useState(false);
  if (thrown.length === 0) return null;
  return (
    <section class="issue-section" aria-label="Stack trace">
      <header class="section-head">
        <h2>Stack trace</h2>
        <Segmented label="Frames" value={all ? "all" : "app"} options={[["app", "Application"], ["all", "All frames"]]} onChange={(v) => setAll(v === "all")} />
        <CopyButton text={stackText(thrown)} label="Copy the stack trace" />
      </header>
      {thrown.map((t, i) => (
        <Exception key={i} thrown={t} cause={i > 0} all={all} />
      ))}
    </section>
  );
}

function Exception({ thrown: t, cause, all }: { thrown: Thrown; cause: boolean; all: boolean }) {
  let opened = 0;
  const anyInApp = t.frames.some((f) => f.inApp);
  return (
    <div class="exception">
      {(t.type || t.value) && (
        <p class="exception-title breakable">
          {cause && <span class="muted">Caused by </span>}
          <span class="strong">{t.type}</span>
          {t.value && (
            <span>
              : <Redacted text={t.value} note={t.note} />
            </span>
          )} {t.handled === false && <Badge tone="bad">Not handled</Badge>}
        </p>
      )}
      <ol class="frames">
        {groupFrames(t.frames, all || !anyInApp).map((g, i) =>
          g.folded ? (
            <Folded key={i} frames={g.frames} />
          ) : (
            g.frames.map((f, j) => <FrameRow key={`${i}.${j}`} frame={f} open={(f.inApp || !anyInApp) && f.source.length > 0 && opened++ < OPEN_AT_FIRST} />)
          ),
        )}
      </ol>
    </div>
  );
}

export interface FrameGroup {
  folded: boolean;
  frames: Frame[];
}
/** Runs of library frames become one folded group each. */
export function groupFrames(frames: readonly Frame[], all: boolean): FrameGroup[] {
  const groups: FrameGroup[] = [];
  for (const f of frames) {
    const folded = !all && !f.inApp;
    const last = groups.at(-1);
    if (last && last.folded === folded) last.frames.push(f);
    else groups.push({ folded, frames: [f] });
  }
  return groups;
}

function Folded({ frames }: { frames: readonly Frame[] }) {
  const [open, setOpen] = useState(false);
  if (open) return <>{frames.map((f, i) => <FrameRow key={i} frame={f} open={false} />)}</>;
  return (
    <li>
      <button type="button" class="frame-folded" onClick={() => setOpen(true)}>
        {plural(frames.length, "library frame")}
        <span class="clip faint">{[...new Set(frames.map((f) => f.module.split(".")[0] || f.file.split("/")[0]))].filter(Boolean).slice(0, 4).join(", ")}</span>
      </button>
    </li>
  );
}

function FrameRow({ frame: f, open: openAtFirst }: { frame: Frame; open: boolean }) {
  const [open, setOpen] = useState(openAtFirst);
  const more = f.source.length > 0 || f.vars.length > 0;
  return (
    <li class={f.inApp ? "stack-frame in-app" : "stack-frame"}>
      <button type="button" class="stack-head" aria-expanded={more ? open : undefined} disabled={!more} onClick={() => setOpen(!open)}>
        <span class={open ? "stack-caret open" : "stack-caret"}>{more && <Icon name="right" size={12} />}</span>
        <span class="clip mono">
          <span class="strong">{f.function || "(anonymous)"}</span>
          <span class="faint"> {f.file || f.module}</span>
          {f.line !== null && <span class="faint num">:{f.line}</span>}
          {f.column !== null && <span class="faint num">:{f.column}</span>}
        </span>
      </button>
      {open && f.source.length > 0 && (
        <pre class="source" tabIndex={0} role="region" aria-label={`Source of ${f.function || "the frame"}`}>
          {f.source.map((s, i) => (
            <div key={i} class={s.at ? "source-line source-at" : "source-line"}>
              <span class="source-no num" aria-hidden="true">
                {s.line ?? ""}
              </span>
              <code>{s.text || " "}</code>
            </div>
          ))}
        </pre>
      )}
      {open && f.vars.length > 0 && (
        <dl class="vars mono">
          {f.vars.map(([name, value, note]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="breakable">
                <Redacted text={value} note={note} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
