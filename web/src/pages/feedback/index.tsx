// What people say of an application: the newest first, with the issue it is about.
import "./feedback.css";
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { Button, CodeBlock, EmptyState, Field, Loaded, Segmented, Skeleton } from "../../kit";
import { get } from "../../lib/api";
import type { Feedback } from "../../lib/health";
import { useNow } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";
import { FeedbackItem } from "./FeedbackItem";

const STATES = [["open", "Open"], ["resolved", "Resolved"], ["archived", "Archived"], ["all", "All"]] as const;
const PAGE = 50;

const SDK = `import * as Sentry from "@sentry/browser";
Sentry.captureFeedback({
  name: "Ann", email: "ann@example.com",
  message: "The cart is empty after I log in.",
});
`;

export default function FeedbackPage() {
  const status = useParam("status") || "open";
  const project = useParam("project");
  const now = useNow();
  const [text, setText] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const role = useSession().data?.user?.role;
  const query = { project, status: status === "all" ? "" : status, query: text, limit };
  const list = useQuery({
    queryKey: ["feedback", query, now],
    queryFn: ({ signal }) => get<{ feedback: Feedback[]; total: number }>("feedback", query, signal),
  });
  return (
    <div class="page feedback">
      <h1 class="hear-only">Feedback</h1>
      <div class="row row-wrap feedback-bar">
        <Segmented label="State" value={status} options={STATES} onChange={(v) => setUrl({ status: v === "open" ? null : v })} />
        <Field label="Search" value={text} placeholder="In message, name or address" onInput={(e) => setText(e.currentTarget.value)} />
      </div>
      <Loaded result={list} skeleton={<Skeleton lines={6} height={40} />}>
        {({ feedback, total }) =>
          feedback.length === 0 ? (
            text || status !== "open" ? (
              <EmptyState icon="search" title="Nothing here." />
            ) : (
              <EmptyState icon="user" title="Nobody has said anything that is open.">
                <div class="stack feedback-how">
                  <p>SDKs send what people write in a feedback form. It belongs to the issue of the error that they met.</p>
                  <CodeBlock label="feedback from a page" text={SDK} />
                </div>
              </EmptyState>
            )
          ) : (
            <>
              <ul class="plain-list feedback-list" aria-label="Feedback">
                {feedback.map((f) => (
                  <FeedbackItem key={f.id} feedback={f} mayChange={role !== "viewer"} withIssue />
                ))}
              </ul>
              {total > feedback.length && (
                <Button kind="quiet" onClick={() => setLimit(limit + PAGE)}>
                  More
                </Button>
              )}
            </>
          )
        }
      </Loaded>
    </div>
  );
}
