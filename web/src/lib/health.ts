// Releases, scheduled jobs and feedback, as the server tells of them.
import { useQuery } from "@tanstack/react-query";
import type { Tone } from "../kit/Badge";
import type { components } from "./api-schema";
import { get } from "./api";
import { percent } from "./format";
import { useNow } from "./query";
import { useParam } from "./url";

type Schemas = components["schemas"];
export type Release = Schemas["ReleaseSummary"];
export type ReleaseDetail = Schemas["ReleaseDetail"];
export type SessionSummary = Schemas["SessionSummary"];
export type Commit = Schemas["Commit"];
export type Monitor = Schemas["ListedMonitor"];
export type MonitorConfig = Schemas["MonitorConfig"];
export type CheckIn = Schemas["CheckIn"];
export type Feedback = Schemas["Feedback"];

/** `shop@2.1.0` as the address of its page. */
export const releasePath = (version: string) => `/releases/${encodeURIComponent(version)}`;

/** Crash-free shares are told apart near the whole: 99.98%, not 100%. */
export function crashFree(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  if (share === 1) return "100%";
  const cut = Math.floor(share * 10000) / 100;
  return `${cut.toFixed(cut >= 99 ? 2 : 1)}%`;
}
export const crashTone = (share: number | null | undefined): Tone => (share === null || share === undefined ? "neutral" : share >= 0.995 ? "good" : share >= 0.98 ? "warn" : "bad");
export const shareText = (share: number | null | undefined) => (share === null || share === undefined ? "–" : percent(share));

export function useReleases(query: string) {
  const project = useParam("project");
  const now = useNow();
  return useQuery({
    queryKey: ["releases", project, query, now],
    queryFn: ({ signal }) => get<{ releases: Release[]; total: number }>("releases", { project, query, limit: 200 }, signal),
  });
}

export function useMonitors() {
  const project = useParam("project");
  const now = useNow();
  return useQuery({
    queryKey: ["monitors", project, now],
    queryFn: async ({ signal }) => (await get<{ monitors: Monitor[] }>("monitors", { project }, signal)).monitors,
  });
}

export const RUN: Record<CheckIn["status"], { tone: Tone; text: string }> = {
  in_progress: { tone: "info", text: "Running" },
  ok: { tone: "good", text: "OK" },
  error: { tone: "bad", text: "Failed" },
  missed: { tone: "warn", text: "Missed" },
  timeout: { tone: "bad", text: "Too long" },
};
export const MONITOR: Record<Monitor["environments"][number]["state"], { tone: Tone; text: string }> = {
  active: { tone: "neutral", text: "Waiting" },
  ok: { tone: "good", text: "OK" },
  error: { tone: "bad", text: "Failing" },
  missed: { tone: "bad", text: "Missed" },
  timeout: { tone: "bad", text: "Too long" },
};
const WORST = ["error", "timeout", "missed", "ok", "active"] as const;
/** What a monitor is in all: as bad as its worst environment. */
export function monitorState(m: Monitor): { tone: Tone; text: string } {
  if (m.disabled) return { tone: "neutral", text: "Off" };
  const state = WORST.find((s) => m.environments.some((e) => e.state === s));
  return MONITOR[state ?? "active"];
}
