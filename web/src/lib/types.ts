// What the API answers: names for the types generated from the server's OpenAPI document (`npm run types`).
import type { components } from "./api-schema";

type Schemas = components["schemas"];

export type Level = string;
export type AttrValue = string | number | boolean | null;
export type Row = Schemas["Row"];
export type Issue = Schemas["Issue"];
export type IssueStatus = Schemas["IssueStatus"];
export type IssuePriority = Schemas["IssuePriority"];
export type IssueArchive = Schemas["IssueArchive"];
export type IssueActivity = Schemas["IssueActivity"];
export type IssuePart = Schemas["IssuePart"];
export type OwnershipRules = Required<Schemas["Ownership"]>;
export type Table = "logs" | "spans" | "errors";
export type Point = [t: number, v: number | null];
export type ServiceOverview = Schemas["ServiceOverview"];
export type Change = Schemas["Change"];
export type Overview = Schemas["Overview"];
export type Around = Schemas["Around"];
export type TraceSummary = Schemas["TraceSummary"];
export type PatternReport = Schemas["Patterns"];
export interface ContextLines {
  before: Row[];
  line: Row;
  after: Row[];
  more_before: boolean;
  more_after: boolean;
}
export type Histogram = Schemas["Histogram"];
export type Facet = Schemas["Facets"]["facets"][number];
export type Session = Schemas["CurrentSession"];
export type SessionRow = Schemas["Session"];
export type User = Schemas["User"];
export type Role = Schemas["Role"];
export type Token = Schemas["Token"];
export type TokenRole = Schemas["TokenRole"];
export type CreatedToken = Schemas["CreatedToken"];
export type Project = Schemas["Project"];
export type IntakeSettings = Schemas["IntakeSettings"];
export type KeyLimit = Schemas["KeyLimits"][number];
export type ProjectKey = Schemas["DsnKey"];
export type SavedSearch = Schemas["SavedSearch"];
export type Storage = Schemas["Storage"];
export type ReleaseCount = Schemas["ReleaseCount"];
export type GroupingRules = Required<Schemas["GroupingRules"]>;
export type GroupingMove = Schemas["GroupingMove"];
export type GroupingPart = Schemas["GroupingPart"];
