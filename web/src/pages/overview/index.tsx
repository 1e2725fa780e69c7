// The overview: every service that sent anything in the range, with what it was asked, what failed, how long it took
// and what it logged; beside it, what changed. Nothing is configured: services come from the data.
import "./overview.css";
import { useQuery } from "@tanstack/react-query";
import { FirstData } from "../../app/FirstData";
import { Link } from "../../app/Link";
import { Loaded, Skeleton } from "../../kit";
import { overviewAsk } from "../../lib/asks";
import { count, percent, plural, rate } from "../../lib/format";
import { asQuery, useRange } from "../../lib/query";
import type { ServiceOverview } from "../../lib/types";
import { useParam } from "../../lib/url";
import { Changes } from "./Changes";
import { OpenIssues } from "./OpenIssues";
import { byNeed, needsCare, ServiceRow } from "./ServiceRow";

export default function OverviewPage() {
  const { params } = useRange();
  const project = useParam("project");
  const result = useQuery(asQuery(overviewAsk(params, project)));
  return (
    <div class="page overview">
      <div class="page-head">
        <h1>Overview</h1>
        {result.data && <Headline services={result.data.services} />}
      </div>
      <Loaded result={result} skeleton={<Skeleton lines={6} height={56} />}>
        {(o) =>
          o.services.length === 0 ? (
            <FirstData signal="any" title="No service sent anything in this time range." />
          ) : (
            <div class="overview-columns">
              <div class="stack overview-main">
              <section aria-label="Services" class="services">
                <div class="service service-head" aria-hidden="true">
                  <span>Service</span>
                  <span>Requests</span>
                  <span>Errors</span>
                  <span>Latency, p95</span>
                  <span>Logs by level</span>
                </div>
                <ul>
                  {[...o.services].sort(byNeed).map((s) => (
                    <ServiceRow key={`${s.project}/${s.service}`} service={s} />
                  ))}
                </ul>
                {!o.complete && (
                  <p class="faint overview-note">
                    There are more services than are shown at once: those with most requests are here. A project or a shorter time range narrows them.
                  </p>
                )}
              </section>
              <OpenIssues />
              </div>
              <Changes changes={o.changes} />
            </div>
          )
        }
      </Loaded>
    </div>
  );
}

/** The state of things in one line, each part leading to its page. */
function Headline({ services }: { services: readonly ServiceOverview[] }) {
  const sum = (of: (s: ServiceOverview) => number) => services.reduce((total, s) => total + of(s), 0);
  const requests = sum((s) => s.requests);
  const care = services.filter(needsCare).length;
  if (services.length === 0) return null;
  return (
    <p class="headline muted">
      <span>{care === 0 ? `${plural(services.length, "service")}, none needs attention` : `${count(care)} of ${plural(services.length, "service")} ${care === 1 ? "needs" : "need"} attention`}</span>
      <span class="num">{rate(sum((s) => s.request_rate))} requests</span>
      {requests > 0 && <span class="num">{percent(sum((s) => s.errors) / requests)} fail</span>}
      {sum((s) => s.new_issues) > 0 && <Link to="/issues?sort=first_seen">{plural(sum((s) => s.new_issues), "new issue")}</Link>}
      {sum((s) => s.regressed_issues) > 0 && <Link to="/issues?where=substatus%3Dregressed">{plural(sum((s) => s.regressed_issues), "regressed issue")}</Link>}
    </p>
  );
}
