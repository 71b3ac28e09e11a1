/** What a caller marks a workflow with, to find it again: `{ customer: 'acme' }`. Set once, when it starts. */
export type Tags = Readonly<Record<string, string>>;

const tagLimit = 16;
const keyPattern = /^[A-Za-z0-9_.-]{1,40}$/;
const valueLimit = 200;

/** What is wrong with them, and where: an empty key stands for all of them. */
export function tagProblems(
  tags: Readonly<Record<string, unknown>>,
): readonly { readonly key: string; readonly detail: string }[] {
  const entries = Object.entries(tags);
  if (entries.length > tagLimit) {
    return [{ key: '', detail: `has ${entries.length} tags; at most ${tagLimit} are taken` }];
  }
  return entries.flatMap(([key, value]) => {
    if (!keyPattern.test(key)) {
      return [{ key, detail: 'is no key of a tag: 1 to 40 letters, digits and _ . -' }];
    }
    return typeof value === 'string' && value.length <= valueLimit
      ? []
      : [{ key, detail: `must be text of at most ${valueLimit} characters` }];
  });
}
