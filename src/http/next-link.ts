/** The `Link` of the page after this one, whose path and query are `url`; nothing when it is the last. */
export function nextLink(url: string, cursor: string | null): { readonly Link?: string } {
  if (cursor === null) return {};
  const next = new URL(url, 'http://door');
  next.searchParams.set('cursor', cursor);
  // It was passed over already.
  next.searchParams.delete('offset');
  return { Link: `<${next.pathname}${next.search}>; rel="next"` };
}

/** For routes with pages. */
export const maybeNextLink = {
  Link: 'The path of the next page, as `rel="next"`, if there is one.',
};
