/** A piece of documentation that runs. */
export interface Snippet {
  readonly file: string;
  readonly code: string;
}

/** The fenced `ts` blocks of a Markdown text whose first line names a file: `// quick-start.ts`. */
export function snippetsOf(markdown: string): readonly Snippet[] {
  const blocks = markdown.matchAll(/^```ts\n(\/\/ ([\w-]+\.ts)\n[^]*?)^```$/gm);
  return [...blocks].map(([, code = '', file = '']) => ({ file, code }));
}
