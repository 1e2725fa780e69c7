// Going to another page of the UI.
import { navigate as go } from "wouter/use-browser-location";
import { basePath } from "./address";

export { basePath, herePath, normalBase, withoutBase } from "./address";

/** Goes to a path of the UI. */
export const navigate = (path: string, how: { replace?: boolean } = {}) => go(basePath + path, { replace: how.replace ?? false });
