/*
 * The paths of the console's pages. The door serves the page for these and says 404 for others, the console shows the page
 * of that name; so both run this file, and it imports nothing.
 */
export const consolePaths = {
  overview: /^\/$/,
  workflows: /^\/workflows\/?$/,
  workflow: /^\/workflows\/([^/]+)\/?$/,
  definitions: /^\/definitions\/?$/,
  definition: /^\/definitions\/([^/]+)\/?$/,
  cluster: /^\/cluster\/?$/,
  playground: /^\/playground\/?$/,
} as const;

export type PageName = keyof typeof consolePaths;
