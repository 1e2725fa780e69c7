import { FieldTable } from "../../app/FieldTable";
import { Link } from "../../app/Link";
import { Badge, Drawer, Icon } from "../../kit";
import { isLocal, type Target } from "../../lib/alerts";
import { duration } from "../../lib/format";
import { setUrl } from "../../lib/url";

/** One target: whether it answers, how it fails, its labels. */
export default function TargetDrawer({ target: t }: { target: Target | undefined }) {
  if (!t) return null;
  const up = `up{job=${JSON.stringify(t.labels["job"] ?? "")}, instance=${JSON.stringify(t.labels["instance"] ?? "")}}`;
  return (
    <Drawer key={t.scrapeUrl} label={`Target ${t.scrapeUrl}`} title={t.labels["instance"] ?? t.scrapeUrl} onClose={() => setUrl({ target: null })}>
      <div class="row">
        <Badge tone={t.health === "up" ? "good" : t.health === "down" ? "bad" : "neutral"}>{t.health}</Badge>
        <span class="muted num">the last scrape took {duration(t.lastScrapeDuration * 1000)}</span>
      </div>
      {t.lastError && <p class="tone-bad breakable mono">{t.lastError}</p>}
      {isLocal(t) ? <p class="muted">Measured by the server itself; settings host.enabled and host.interval.</p> : <p class="mono breakable">{t.scrapeUrl}</p>}
      <div class="row">
        <Link class="btn btn-plain btn-small" to={`/metrics?expr=${encodeURIComponent(up)}`} keep={["range", "from", "to", "project"]}>
          <Icon name="metrics" size={14} /> Whether it was up
        </Link>
      </div>
      <section>
        <h3 class="section-title">Labels</h3>
        <FieldTable label="Labels" fields={Object.entries(t.labels)} />
      </section>
      {t.discoveredLabels && !isLocal(t) && (
        <section>
          <h3 class="section-title">Labels before relabelling</h3>
          <FieldTable label="Labels before relabelling" fields={Object.entries(t.discoveredLabels)} />
        </section>
      )}
    </Drawer>
  );
}
