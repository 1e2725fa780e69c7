/** As the server demands. */
export const SHORTEST_PASSWORD = 12;
