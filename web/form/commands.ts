import type { JsonObject } from '#actors/json.ts';

/** What the form would do, for a terminal and for a program; `url` is that of the console. */
export interface StartCall {
  readonly url: string;
  readonly name: string;
  readonly input: JsonObject;
  readonly id: string;
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  /** A key has to be shown, which is in TEMJOB_KEY here. */
  readonly keyed: boolean;
}

/** The body of POST /api/v1/workflows: what is not said is left out. */
export function startBody({ name, input, id, version, tags }: Omit<StartCall, 'url' | 'keyed'>) {
  return {
    name,
    input,
    ...(id === '' ? {} : { id }),
    ...(version === '' ? {} : { version }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

export function curlOf(call: StartCall): string {
  return [
    `curl -X POST ${call.url}/api/v1/workflows`,
    ...(call.keyed ? ['-H "Authorization: Bearer $TEMJOB_KEY"'] : []),
    "-H 'Content-Type: application/json'",
    `-d ${quoted(JSON.stringify(startBody(call)))}`,
  ].join(' \\\n  ');
}

export function sdkOf(call: StartCall): string {
  const { name, input, ...how } = startBody(call);
  const key = call.keyed ? ', headers: { authorization: `Bearer ${process.env.TEMJOB_KEY}` }' : '';
  const options = Object.keys(how).length === 0 ? '' : `, ${JSON.stringify(how)}`;
  return [
    `const client = await connect({ url: ${JSON.stringify(call.url)}${key} });`,
    `await client.start(${JSON.stringify(name)}, ${JSON.stringify(input)}${options});`,
  ].join('\n');
}

/** One word for a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
