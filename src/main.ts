#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// What is compiled once need not be at the next start: a third of the time that loading takes. Coverage would be coarse with it.
if (!process.env['NODE_V8_COVERAGE']) enableCompileCache();

const { runProgram } = await import('./cli/program.ts');
await runProgram(process.argv.slice(2));
