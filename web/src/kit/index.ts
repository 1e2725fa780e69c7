// The kit, for pages: `import { Button, Table } from "../../kit"`.
export * from "./Ago";
export * from "./Badge";
export * from "./Button";
export * from "./CodeBlock";
export * from "./FacetList";
export * from "./Field";
export * from "./FilterBar";
export * from "./Icon";
export * from "./Later";
export * from "./Notice";
export * from "./Overlay";
export * from "./Spark";
export * from "./Table";
export * from "./Tabs";
export * from "./TimeRange";
export * from "./Toasts";
export * from "./ValueMenu";
