import { describe, expect, it } from "vitest";
import { activityText } from "./Activity";
import { archiveText } from "./Decide";

describe("an entry of the activity", () => {
  it("follows the name of who did it", () => {
    expect(activityText({ action: "archived", detail: "until it escalates", who: "ada" })).toBe("archived it until it escalates");
    expect(activityText({ action: "assigned", detail: "bob@example.com", who: "ada" })).toBe("assigned it to bob@example.com");
    expect(activityText({ action: "assigned", detail: "", who: "ada" })).toBe("assigned it to nobody");
    expect(activityText({ action: "unmerged", detail: "from SHOP-1", who: "ada" })).toBe("took it out of SHOP-1");
    expect(activityText({ action: "unmerged", detail: "SHOP-2", who: "ada" })).toBe("took SHOP-2 out of it");
  });
  it("stands alone when nobody did it", () => {
    expect(activityText({ action: "assigned", detail: "@web", who: "" })).toBe("Assigned to @web by the ownership rules");
    expect(activityText({ action: "regressed", detail: "", who: "" })).toBe("Came back");
  });
});

describe("until when an issue is archived", () => {
  it("is said in words", () => {
    expect(archiveText({ until: "events", count: 100, window_hours: 24 })).toBe("until 100 more events within 24 h");
    expect(archiveText({ until: "users", count: 5 })).toBe("until 5 more users");
    expect(archiveText(undefined)).toBe("for good");
  });
});
