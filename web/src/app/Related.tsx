// What else belongs to the same request: its trace, its lines, its errors and their issues, one click each.
import "./fields.css";
import { useQuery } from "@tanstack/react-query";
import { relatedAsk } from "../lib/asks";
import { plural, shortId } from "../lib/format";
import { asQuery } from "../lib/query";
import { LevelMark } from "../kit/Badge";
import { Icon } from "../kit/Icon";
import { Link } from "./Link";

export type { RelatedRows } from "../lib/asks";

export function useRelated(traceId?: string, requestId?: string) {
  return useQuery({ ...asQuery(relatedAsk(traceId, requestId)), enabled: Boolean(traceId || requestId), staleTime: 30_000, placeholderData: undefined });
}
const KEEP = ["range", "from", "to", "project"];

export function Related({ traceId, requestId, here }: { traceId?: string | undefined; requestId?: string | undefined; here?: "trace" | "issue" }) {
  const found = useRelated(traceId, requestId).data;
  if (!traceId && !requestId) return null;
  const logs = traceId ? `trace_id=${traceId}` : `request_id=${requestId}`;
  return (
    <div class="related">
      {traceId && here !== "trace" && (
        <Link class="related-link" to={`/traces/${traceId}`} keep={KEEP}>
          <Icon name="traces" size={14} />
          <span>Trace {shortId(traceId)}</span>
          {found && <span class="faint num">{plural(found.spans.length, "span")}</span>}
        </Link>
      )}
      <Link class="related-link" to={`/logs?where=${encodeURIComponent(logs)}`} keep={KEEP}>
        <Icon name="logs" size={14} />
        <span>Lines of this {traceId ? "trace" : "request"}</span>
        {found && <span class="faint num">{found.logs.length}</span>}
      </Link>
      {here !== "issue" &&
        found?.issues.map((i) => (
          <Link key={i.id} class="related-link" to={`/issues/${i.id}`} keep={KEEP}>
            <LevelMark level={i.level} dot />
            <span class="clip">{i.title}</span>
            <span class="faint">{i.short_id}</span>
          </Link>
        ))}
    </div>
  );
}
