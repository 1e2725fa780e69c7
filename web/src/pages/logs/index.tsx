// Logs, asked for in one of two ways: by filters and text, or by a query in LogQL. The address holds which, and all of
// what was asked.
import "./logs.css";
import { Suspense, lazy } from "preact/compat";
import { Skeleton } from "../../kit";
import { useParam } from "../../lib/url";
import { FilterLogs } from "./FilterLogs";

const QueryLogs = lazy(() => import("./QueryLogs"));

export default function Logs() {
  if (useParam("lang") !== "logql") return <FilterLogs />;
  return (
    <Suspense fallback={<div class="page"><Skeleton lines={8} /></div>}>
      <QueryLogs />
    </Suspense>
  );
}
