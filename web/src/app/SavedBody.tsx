// What the menu of saved searches holds: those of this page, and a field to keep what is shown now. A search is the
// page's address without what is merely open in it.
import "./saved.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button, IconButton } from "../kit/Button";
import { toast } from "../kit/Toasts";
import { del, get, post, put } from "../lib/api";
import { navigate } from "../lib/base";
import { queryClient } from "../lib/query";
import type { SavedSearch } from "../lib/types";
import { useSession } from "./session";

/** What is open on a page is no part of the search: lines, spans, drawers. */
const OPEN = ["row", "span", "around", "aservice", "aminutes", "live", "event", "rule", "target"];
export function searchOf(search: string): string {
  const params = new URLSearchParams(search);
  for (const name of OPEN) params.delete(name);
  return params.toString();
}
const KEY = ["saved-searches"];
const refresh = () => queryClient.invalidateQueries({ queryKey: KEY });
const failed = (e: unknown) => toast((e as Error).message, { bad: true });

export default function SavedBody({ page, onDone }: { page: string; onDone: () => void }) {
  const role = useSession().data?.user?.role;
  const saved = useQuery({ queryKey: KEY, queryFn: async ({ signal }) => (await get<{ searches: SavedSearch[] }>("saved-searches", {}, signal)).searches, placeholderData: undefined });
  const here = searchOf(location.search);
  const list = (saved.data ?? []).filter((s) => s.page === page);
  const open = (s: SavedSearch) => {
    onDone();
    navigate(s.params ? `${s.page}?${s.params}` : s.page);
  };
  return (
    <div class="saved stack">
      <NewSearch page={page} params={here} mayShare={role !== "viewer"} />
      {saved.error && <p class="tone-bad">{(saved.error as Error).message}</p>}
      {list.length > 0 && (
        <ul class="saved-list" aria-label="Saved searches of this page">
          {list.map((s) => (
            <li key={s.id} class="row">
              <button type="button" class="saved-open grow clip" aria-current={s.params === here ? "true" : undefined} title={s.params || "everything"} onClick={() => open(s)}>
                {s.name}
                {!s.mine && <span class="faint"> {s.owner}</span>}
                {s.mine && s.shared && <span class="faint"> shared</span>}
              </button>
              {s.mine && role !== "viewer" && <IconButton small icon="user" on={s.shared} label={s.shared ? `Share ${s.name} no longer` : `Share ${s.name}`} onClick={() => void put(`saved-searches/${s.id}`, { shared: !s.shared }).then(refresh, failed)} />}
              {(s.mine || role === "admin") && <IconButton small icon="close" label={`Remove ${s.name}`} onClick={() => void remove(s)} />}
            </li>
          ))}
        </ul>
      )}
      {saved.data && list.length === 0 && <p class="faint">Nothing is saved for this page yet.</p>}
    </div>
  );
}

async function remove(s: SavedSearch): Promise<void> {
  try {
    await del(`saved-searches/${s.id}`);
  } catch (e) {
    return failed(e);
  }
  const undo = () => void post("saved-searches", { name: s.name, page: s.page, params: s.params, shared: s.shared }).then(refresh, failed);
  toast(`Removed ${s.name}.`, s.mine ? { undo } : {});
  await refresh();
}

function NewSearch({ page, params, mayShare }: { page: string; params: string; mayShare: boolean }) {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const save = async (e: Event) => {
    e.preventDefault();
    try {
      await post("saved-searches", { name: name.trim(), page, params, shared });
    } catch (problem) {
      return failed(problem);
    }
    setName("");
    toast(`Saved as ${name.trim()}.`);
    await refresh();
  };
  return (
    <form class="stack-tight" onSubmit={(e) => void save(e)}>
      <div class="row">
        <input ref={field} class="input grow" value={name} required maxLength={100} placeholder="A name for what is shown now" aria-label="Name of the search" onInput={(e) => setName(e.currentTarget.value)} />
        <Button type="submit" small disabled={!name.trim()}>
          Save
        </Button>
      </div>
      {mayShare && (
        <label class="row faint">
          <input type="checkbox" checked={shared} onChange={() => setShared(!shared)} />
          For everybody who uses this server
        </label>
      )}
    </form>
  );
}
