// Settings: one page a subject, each with its own address. What needs a role says so instead of hiding.
import "./settings.css";
import { useEffect, useRef } from "preact/hooks";
import { useRoute } from "wouter";
import { Link } from "../../app/Link";
import { Onboarding } from "../../app/FirstData";
import { useSession } from "../../app/session";
import { EmptyState } from "../../kit";
import { HAS_LOG_RULES } from "../../lib/features";
import { Account } from "./Account";
import { Appearance } from "./Appearance";
import { Grouping } from "./Grouping";
import { IssueAlerts } from "./IssueAlerts";
import { Intake } from "./Intake";
import { LogMetrics } from "./LogMetrics";
import { Ownership } from "./Ownership";
import { Projects } from "./Projects";
import { StorageUse } from "./StorageUse";
import { Tokens } from "./Tokens";
import { Usage } from "./Usage";
import { Users } from "./Users";

const PARTS = [
  { id: "projects", title: "Projects and keys", page: Projects, admin: false },
  { id: "send", title: "Send data", page: Send, admin: false },
  { id: "usage", title: "Usage", page: Usage, admin: false },
  { id: "intake", title: "Limits and filters", page: Intake, admin: false },
  { id: "tokens", title: "Tokens", page: Tokens, admin: true },
  { id: "users", title: "Users", page: Users, admin: true },
  { id: "grouping", title: "Grouping of errors", page: Grouping, admin: false },
  { id: "ownership", title: "Owners of issues", page: Ownership, admin: false },
  { id: "issue-alerts", title: "Issue alerts", page: IssueAlerts, admin: false },
  ...(HAS_LOG_RULES ? [{ id: "log-metrics", title: "Metrics of logs", page: LogMetrics, admin: false }] : []),
  { id: "storage", title: "Storage", page: StorageUse, admin: false },
  { id: "account", title: "Your account", page: Account, admin: false },
  { id: "appearance", title: "Appearance", page: Appearance, admin: false },
];

export default function Settings() {
  const [, route] = useRoute<{ "*"?: string }>("/settings/*?");
  const id = route?.["*"] || "projects";
  const part = PARTS.find((p) => p.id === id);
  const nav = useRef<HTMLElement>(null);
  // On a phone the parts lie in a row that scrolls: the open one is in sight.
  useEffect(() => {
    const row = nav.current;
    const open = row?.querySelector<HTMLElement>("[aria-current]");
    if (row && open) row.scrollLeft = open.offsetLeft - (row.clientWidth - open.offsetWidth) / 2;
  }, [id]);
  const role = useSession().data?.user?.role;
  return (
    <div class="page settings">
      <nav class="settings-nav" aria-label="Settings" ref={nav}>
        <ul>
          {PARTS.map((p) => (
            <li key={p.id}>
              <Link to={`/settings/${p.id}`} class="nav-link" aria-current={p.id === id ? "page" : undefined}>
                {p.title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div class="settings-part stack">
        {!part ? (
          <EmptyState icon="settings" title="There are no settings of this name." />
        ) : (
          <>
            <h1>{part.title}</h1>
            {part.admin && role !== "admin" ? (
              <EmptyState icon="key" title="This part is for administrators.">
                Your role is {role ?? "unknown"}. An administrator of this server can change it under Users.
              </EmptyState>
            ) : (
              <part.page />
            )}
          </>
        )}
      </div>
    </div>
  );
}

function Send() {
  return (
    <>
      <p class="muted">Lines to paste, with this server's address and the project's own key.</p>
      <Onboarding />
    </>
  );
}
