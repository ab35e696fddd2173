#!/usr/bin/env node
import { refuseTelemetry } from '../worker/clip/refuse-telemetry.ts'
import { runCli } from './run-cli.ts'

// Some commands load the runtime themselves, others by a thread that does.
refuseTelemetry()
process.exitCode = await runCli(process.argv.slice(2), process.env)
