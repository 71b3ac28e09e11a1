import { ClusterError } from '#cluster/api.ts';

/** What a call fails with, as it is to do. */
export async function rejection(call: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it was to fail, and did not');
}

/** The answer no to a call. */
export async function refusal(call: Promise<unknown> | undefined): Promise<ClusterError> {
  const error = await rejection(call);
  if (error instanceof ClusterError) return error;
  throw error;
}
