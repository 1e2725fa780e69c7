// What people said about the errors of this issue; nothing where nobody did.
import { useQuery } from "@tanstack/react-query";
import { useSession } from "../../app/session";
import { get } from "../../lib/api";
import { plural } from "../../lib/format";
import type { Feedback } from "../../lib/health";
import { FeedbackItem } from "../feedback/FeedbackItem";

export default function IssueFeedback({ issue }: { issue: number }) {
  const role = useSession().data?.user?.role;
  const list = useQuery({
    queryKey: ["feedback", "issue", issue],
    queryFn: ({ signal }) => get<{ feedback: Feedback[]; total: number }>(`issues/${issue}/feedback`, { limit: 20 }, signal),
  });
  if (!list.data?.feedback.length) return null;
  return (
    <section aria-label="Feedback">
      <h2>{plural(list.data.total, "person says", "people say")}</h2>
      <ul class="plain-list feedback-list">
        {list.data.feedback.map((f) => (
          <FeedbackItem key={f.id} feedback={f} mayChange={role !== "viewer"} />
        ))}
      </ul>
    </section>
  );
}
