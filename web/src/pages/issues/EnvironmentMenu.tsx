// Choosing one environment for a list of issues.
import { Menu } from "../../kit";
import { useEnvironments } from "../../lib/issues";
import { useFilters } from "../../lib/url";

/** One environment, as a filter in the address; not shown where there is nothing to choose. */
export function EnvironmentMenu() {
  const { filters, add, remove } = useFilters();
  const names = useEnvironments().data ?? [];
  const chosen = filters.find((f) => f.field === "environment" && f.op === "=");
  if (names.length < 2 && !chosen) return null;
  return (
    <Menu
      label="Environment"
      kind="quiet"
      button={`Environment: ${chosen?.value ?? "all"}`}
      items={[
        { label: "All", checked: !chosen, run: () => chosen && remove(chosen) },
        ...names.map((value) => ({ label: value, checked: value === chosen?.value, run: () => add({ field: "environment", op: "=", value }) })),
      ]}
    />
  );
}
