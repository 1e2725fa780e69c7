import { useQuery } from "@tanstack/react-query";
import { useState } from "preact/hooks";
import { Menu } from "../../kit";
import { get } from "../../lib/api";
import { columnsParam, readColumns, toggleColumn } from "../../lib/columns";
import { useRange } from "../../lib/query";
import { setUrl, useParam } from "../../lib/url";

/** Which fields are columns; kept in the address. */
export function ColumnMenu() {
  return (
    <Menu label="Columns" kind="quiet" small button="Columns">
      {() => <ColumnPanel />}
    </Menu>
  );
}

function ColumnPanel() {
  const columns = readColumns(useParam("cols"));
  const { params } = useRange();
  const [text, setText] = useState("");
  const fields = useQuery({
    queryKey: ["fields", "logs", params.start.slice(0, 16)],
    queryFn: ({ signal }) => get<{ fields: { name: string }[] }>("fields", { table: "logs", ...params }, signal),
    staleTime: 60_000,
  });
  const names = [...new Set([...columns.slice(1, -1), ...(fields.data?.fields ?? []).map((f) => f.name)])];
  const shown = names.filter((n) => n !== "message" && n !== "timestamp" && n.toLowerCase().includes(text.toLowerCase()));
  return (
    <div class="column-panel stack">
      <input class="input" value={text} placeholder="Find a field" aria-label="Find a field" onInput={(e) => setText(e.currentTarget.value)} />
      <ul class="column-list">
        {shown.map((name) => (
          <li key={name}>
            <label class="row">
              <input type="checkbox" checked={columns.includes(name)} onChange={() => setUrl({ cols: columnsParam(toggleColumn(columns, name)) }, { replace: true })} />
              <span class="clip">{name}</span>
            </label>
          </li>
        ))}
      </ul>
    </div>
  );
}
