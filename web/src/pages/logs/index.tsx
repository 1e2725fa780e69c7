// Logs, asked for in one of two ways: by filters and text, or by a query in LogQL. The address holds which, and all of
// what was asked.
import "./logs.css";
import { Suspense } from "preact/compat";
import { lazyPage } from "../../app/lazy-page";
import { Skeleton } from "../../kit";
import { useParam } from "../../lib/url";
import { FilterLogs } from "./FilterLogs";
import { patternsPart } from "./parts";

const queryLogs = lazyPage(() => import("./QueryLogs"));

/** For the first paint of an address that shows these. */
export const partsReady = (written: boolean, patterns: boolean) => Promise.all([written && queryLogs.ready(), patterns && patternsPart.ready()]);

export default function Logs() {
  if (useParam("lang") !== "logql") return <FilterLogs />;
  return (
    <Suspense fallback={<div class="page"><Skeleton lines={8} /></div>}>
      <queryLogs.page />
    </Suspense>
  );
}
