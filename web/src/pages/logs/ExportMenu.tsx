// What is shown, as a file: the server writes it row by row while the browser saves it, so that a million lines need no
// memory here.
import { Icon, Menu } from "../../kit";
import { apiUrl } from "../../lib/api";
import type { RowParams } from "../../lib/asks";
import { readColumns } from "../../lib/columns";
import { useParam } from "../../lib/url";

export function ExportMenu({ params, order }: { params: RowParams; order: string }) {
  const columns = readColumns(useParam("cols"));
  const url = (more: Record<string, string>) => apiUrl("logs/export", { ...params, order, ...more });
  const files: [title: string, note: string, href: string][] = [
    ["NDJSON", "every field of every line", url({ format: "ndjson" })],
    ["CSV", "the columns shown", url({ format: "csv", columns: columns.join(",") })],
  ];
  return (
    <Menu label="Export" kind="quiet" small button="Export">
      {(close) => (
        <ul class="logs-export">
          {files.map(([title, note, href]) => (
            <li key={title}>
              <a class="menu-item" href={href} download="" onClick={close}>
                <Icon name="save" size={14} />
                <span class="grow">{title}</span>
                <span class="faint">{note}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Menu>
  );
}
