import type { ComponentChildren } from "preact";
import type { Level } from "../lib/types";

export type Tone = "neutral" | "accent" | "bad" | "warn" | "good" | "info";

export function Badge({ tone = "neutral", children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={`badge badge-${tone}`} title={title}>
      {children}
    </span>
  );
}

const KNOWN = ["fatal", "error", "warning", "info", "debug"];
/** The style's name for a level; what is not known looks like debug. */
export const levelClass = (level: Level) => (KNOWN.includes(level) ? level : level === "warn" ? "warning" : "debug");

/** A level as a mark with its word; `dot` leaves the word to those who hear it. Shape differs as well as colour. */
export function LevelMark({ level, dot }: { level: Level; dot?: boolean }) {
  return (
    <span class={`level level-${levelClass(level)}`} title={dot ? level : undefined}>
      <i aria-hidden="true" />
      <span class={dot ? "hear-only" : undefined}>{level}</span>
    </span>
  );
}

const STATUS: Record<string, { tone: Tone; text: string }> = {
  new: { tone: "accent", text: "New" },
  regressed: { tone: "bad", text: "Regressed" },
  ongoing: { tone: "neutral", text: "Ongoing" },
  escalating: { tone: "warn", text: "Escalating" },
  resolved: { tone: "good", text: "Resolved" },
  ignored: { tone: "neutral", text: "Archived" },
};
/** An issue's state in one word: what is unresolved shows why it stands out. */
export function IssueBadge({ status, substatus }: { status: string; substatus: string }) {
  const shown = STATUS[status] ?? STATUS[substatus] ?? STATUS["ongoing"]!;
  return <Badge tone={shown.tone}>{shown.text}</Badge>;
}
