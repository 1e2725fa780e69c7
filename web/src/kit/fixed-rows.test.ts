import { expect, it } from "vitest";
import { rowsInSight } from "./fixed-rows";

it("draws what is in sight and some around it, wherever the list stands", () => {
  for (const count of [0, 1, 5, 39, 40, 41, 1000]) {
    for (const height of [21, 25, 52]) {
      for (const room of [0, 10, 400, 2000]) {
        const most = Math.max(0, count * height - room);
        for (const top of [0, 1, height, most / 2, most, most + 500]) {
          const [first, last] = rowsInSight(top, room, height, count, 8);
          expect(first).toBeGreaterThanOrEqual(0);
          expect(last).toBeLessThanOrEqual(count);
          expect(last - first).toBeLessThanOrEqual(Math.ceil(room / height) + 17);
          const shown = Math.min(top, most);
          for (let i = Math.floor(shown / height); i * height < shown + room && i < count; i++) {
            expect(i >= first && i < last, `row ${i} of ${count} at ${top}/${room}/${height}: ${first}-${last}`).toBe(true);
          }
        }
      }
    }
  }
});
