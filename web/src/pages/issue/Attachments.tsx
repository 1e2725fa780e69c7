// Files that came with an event: pictures are shown, text can be, everything else is only handed out. Nothing in them is run:
// the server sends them as downloads.
import "./attachments.css";
import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Button, CodeBlock, Icon } from "../../kit";
import { apiUrl, get } from "../../lib/api";
import type { components } from "../../lib/api-schema";
import { bytes } from "../../lib/format";

type Attachment = components["schemas"]["Attachment"];

const TEXT_BYTES = 256 * 1024;
const KINDS: Record<string, string> = {
  "event.minidump": "Minidump",
  "event.applecrashreport": "Crash report",
  "event.view_hierarchy": "View hierarchy",
  profile: "Profile",
  profile_chunk: "Part of a profile",
};

const contentUrl = (a: Attachment, inline = false) => apiUrl(`attachments/${a.id}/content`, inline ? { inline: "true" } : {});
const isText = (a: Attachment) =>
  a.size <= TEXT_BYTES && (/^(text\/|application\/(.*\+)?json$)/.test(a.content_type) || /\.(txt|log|json|md|xml|ya?ml|csv)$/i.test(a.name));

export default function Attachments({ project, eventId }: { project: number; eventId: string }) {
  const list = useQuery({
    queryKey: ["attachments", project, eventId],
    queryFn: ({ signal }) => get<{ attachments: Attachment[]; total: number }>("attachments", { project, event_id: eventId }, signal),
  });
  if (!list.data?.attachments.length) return null;
  return (
    <section class="issue-section" aria-label="Attachments">
      <header class="section-head">
        <h2>Attachments</h2>
        <span class="faint num">{list.data.total}</span>
      </header>
      <ul class="plain-list attachments">
        {[...list.data.attachments].reverse().map((a) => (
          <File key={a.id} file={a} />
        ))}
      </ul>
    </section>
  );
}

function File({ file }: { file: Attachment }) {
  const [open, setOpen] = useState(false);
  return (
    <li class="attachment">
      <div class="row">
        <Icon name="save" size={14} />
        <a class="clip" href={contentUrl(file)} download={file.name} title={`Download ${file.name}`}>
          {file.name}
        </a>
        <span class="faint num attachment-size">{bytes(file.size)}</span>
        <span class="faint clip grow">{KINDS[file.kind] ?? file.content_type}</span>
        {isText(file) && (
          <Button small kind="quiet" onClick={() => setOpen(!open)}>
            {open ? "Hide" : "Show"}
          </Button>
        )}
      </div>
      {file.image && (
        <a href={contentUrl(file)} download={file.name} class="attachment-picture">
          <img src={contentUrl(file, true)} alt={file.name} loading="lazy" />
        </a>
      )}
      {open && <Text file={file} />}
    </li>
  );
}

function Text({ file }: { file: Attachment }) {
  const text = useQuery({
    queryKey: ["attachment", file.id],
    queryFn: async ({ signal }) => {
      const answer = await fetch(contentUrl(file), { signal, credentials: "same-origin" });
      if (!answer.ok) throw new Error(`The file could not be read (${answer.status})`);
      return answer.text();
    },
    staleTime: Infinity,
  });
  if (text.isError) return <p class="muted">{text.error.message}</p>;
  return text.data === undefined ? null : <CodeBlock text={indented(text.data)} label={file.name} />;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
