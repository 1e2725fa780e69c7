// The columns of a list of rows, as the address names them: `cols=time,level,user_id,message`. Time comes first and the
// message last, wherever they were named.
export const DEFAULT_COLUMNS = ["time", "level", "service", "message"] as const;
const MOST = 12;

export function readColumns(param: string, defaults: readonly string[] = DEFAULT_COLUMNS): string[] {
  const named = [...new Set(param.split(",").map((n) => n.trim()).filter((n) => /^[\w.\-/@]{1,80}$/.test(n)))].slice(0, MOST);
  if (named.length === 0) return [...defaults];
  const middle = named.filter((n) => n !== "time" && n !== "message");
  return ["time", ...middle, "message"];
}
/** For the address; the defaults leave no trace. */
export function columnsParam(columns: readonly string[], defaults: readonly string[] = DEFAULT_COLUMNS): string | null {
  return columns.join(",") === defaults.join(",") ? null : columns.join(",");
}
export function toggleColumn(columns: readonly string[], name: string): string[] {
  if (name === "time" || name === "message") return [...columns];
  return columns.includes(name) ? columns.filter((c) => c !== name) : [...columns.slice(0, -1), name, "message"];
}
