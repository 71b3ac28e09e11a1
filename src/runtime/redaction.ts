const hidden = '[redacted]';

/**
 * The text without the passwords of URLs and without API keys, whichever error or field they came in with; and without these
 * secrets, which are too long to be in a text by chance.
 */
export function redacted(text: string, secrets: readonly string[] = []): string {
  let clean = text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s"'/@:]*:)[^\s"'/]*@/gi, `$1${hidden}@`)
    .replaceAll(/([?&](?:password|token)=)[^&\s"']+/gi, `$1${hidden}`)
    .replaceAll(/\btk_[A-Za-z0-9_-]{20,}/g, `tk_${hidden}`);
  for (const secret of secrets) clean = clean.replaceAll(secret, hidden);
  return clean;
}

const leastLength = 6;

/** What of these values is to be hidden, as they are and as JSON and URLs show them: passwords, and those in URLs. */
export function secretsIn(values: readonly (string | undefined)[]): readonly string[] {
  const found = values.flatMap((value) => {
    if (value === undefined) return [];
    const password = URL.canParse(value) ? new URL(value).password : null;
    return password === null ? [value] : [password, decoded(password)];
  });
  const shown = found.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  return [...new Set(shown)].filter((secret) => secret.length >= leastLength);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
