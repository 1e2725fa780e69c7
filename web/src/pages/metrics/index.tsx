// Metrics: queries and what they show; and where series come from.
import "./metrics.css";
import { Suspense, lazy } from "preact/compat";
import { Skeleton, Tabs } from "../../kit";
import { setUrl, useParam } from "../../lib/url";
import { Explore } from "./Explore";

const Cardinality = lazy(() => import("./Cardinality"));
const TABS = [{ id: "explore", label: "Explore" }, { id: "cardinality", label: "Cardinality" }];

export default function Metrics() {
  const tab = useParam("tab") === "cardinality" ? "cardinality" : "explore";
  return (
    <div class="page">
      <h1 class="hear-only">Metrics</h1>
      <Tabs label="Metrics" current={tab} tabs={TABS} onChange={(id) => setUrl({ tab: id === "explore" ? null : id })} />
      <div id={`panel-${tab}`} role="tabpanel" aria-label={tab === "explore" ? "Explore" : "Cardinality"}>
        {tab === "explore" ? <Explore /> : <Suspense fallback={<Skeleton lines={8} />}><Cardinality /></Suspense>}
      </div>
    </div>
  );
}
