// A change on a settings page: sent, told about in a toast, and the lists it touches asked anew.
import { toast } from "../../kit";
import { queryClient } from "../../lib/query";

/** Runs `change`; true when it was taken. */
export async function runChange(change: () => Promise<unknown>, done: string, touches: readonly string[], undo?: () => void): Promise<boolean> {
  try {
    await change();
  } catch (e) {
    toast((e as Error).message, { bad: true });
    return false;
  }
  toast(done, undo ? { undo } : {});
  await Promise.all(touches.map((key) => queryClient.invalidateQueries({ queryKey: [key] })));
  return true;
}
