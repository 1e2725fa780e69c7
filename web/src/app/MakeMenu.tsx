// A search made into something that lasts: an alert, or a metric of its lines. The dialogs are fetched when asked for.
import { Suspense, lazy } from "preact/compat";
import { useState } from "preact/hooks";
import { Menu, type MenuItem } from "../kit/Overlay";
import { isLogQuery } from "../lib/asks";
import { HAS_LOG_RULES } from "../lib/features";
import type { Language } from "../lib/log-rules";
import { useSession } from "./session";

const MakeAlert = lazy(() => import("./MakeAlert"));
const MakeMetric = lazy(() => import("./MakeMetric"));

export function MakeMenu({ language, query }: { language: Language; query: string }) {
  const [making, setMaking] = useState<"alert" | "metric" | null>(null);
  const role = useSession().data?.user?.role;
  if (!HAS_LOG_RULES || role === "viewer") return null;
  const items: MenuItem[] = [
    { label: "Alert on this", icon: "alerts", run: () => setMaking("alert") },
    ...(language === "logql" && isLogQuery(query) ? [{ label: "Make a metric of this", icon: "metrics" as const, run: () => setMaking("metric") }] : []),
  ];
  const close = () => setMaking(null);
  return (
    <>
      <Menu label="Make an alert or a metric" kind="quiet" small items={items} button="Make" />
      <Suspense fallback={null}>
        {making === "alert" && <MakeAlert language={language} query={query} onClose={close} />}
        {making === "metric" && <MakeMetric query={query} onClose={close} />}
      </Suspense>
    </>
  );
}
