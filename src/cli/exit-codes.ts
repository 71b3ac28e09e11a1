/** How a command ends, for scripts. The numbers above 64 are those of sysexits.h. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  unavailable: 69,
  notPermitted: 77,
  configuration: 78,
} as const;

export const exitCodesHelp = `
Exit codes:
  0   done
  1   failed: the workflow failed, there is no such thing, a check found something wrong
  2   wrong usage: an option, an argument or a command that is none
  69  unavailable: the node or a server does not answer, or goes down
  77  not permitted: no API key, an unknown one, or one without the scope
  78  wrong configuration, of TemJob or of a server
With TEMJOB_DEBUG=1 an error has its stack, too.`;

/** By the stable code of the error, wherever it comes from. */
const byCode: Readonly<Record<string, number>> = {
  WRONG_USAGE: exitCodes.usage,
  SERVER_UNREACHABLE: exitCodes.unavailable,
  UNAVAILABLE: exitCodes.unavailable,
  DRAINING: exitCodes.unavailable,
  OVERLOADED: exitCodes.unavailable,
  TIMEOUT: exitCodes.unavailable,
  UNAUTHENTICATED: exitCodes.notPermitted,
  FORBIDDEN: exitCodes.notPermitted,
  CONFIG_INVALID: exitCodes.configuration,
  UNSAFE_SETTINGS: exitCodes.configuration,
  NOT_LOOPBACK: exitCodes.configuration,
  SERVER_MISSING: exitCodes.configuration,
};

export function exitCodeOf(error: unknown): number {
  return byCode[codeOf(error)] ?? exitCodes.failed;
}

/** Stable, for programs. */
export function codeOf(error: unknown): string {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return isCoded ? String(error.code) : 'FAILED';
}
