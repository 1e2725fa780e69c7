// "What else happened here": errors, slow and failed spans, logs, issues, alerts and releases some minutes around a
// moment, from any page. The moment is in the address (`around`), so the drawer can be shared and closed with Back.
import { Suspense, lazy } from "preact/compat";
import { setUrl, useParam } from "../lib/url";

const Body = lazy(() => import("./AroundBody"));

/** Opens the drawer around an instant (RFC 3339), optionally of one service. */
export const openAround = (time: string, service?: string) => setUrl({ around: time, aservice: service ?? null });

export function AroundDrawer() {
  const time = useParam("around");
  const service = useParam("aservice");
  if (!time) return null;
  return (
    <Suspense fallback={null}>
      <Body time={time} service={service} />
    </Suspense>
  );
}
